/** What the Python library `requests` says when a fetch fails. The texts are what an operator greps for. */
import { isIP } from "node:net";
import { PythonError } from "./log.ts";

const OBJECT = "<urllib3.connection.HTTPSConnection object at 0x7f0c8a1b2d10>";

const verifyTexts: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "self-signed certificate",
  SELF_SIGNED_CERT_IN_CHAIN: "self-signed certificate in certificate chain",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unable to get local issuer certificate",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unable to get local issuer certificate",
  CERT_HAS_EXPIRED: "certificate has expired",
  CERT_NOT_YET_VALID: "certificate is not yet valid",
};

const socketTexts: Record<string, string> = {
  ECONNREFUSED: "[Errno 111] Connection refused",
  EHOSTUNREACH: "[Errno 113] No route to host",
  ENETUNREACH: "[Errno 101] Network is unreachable",
};

export function missingSchema(url: string): PythonError {
  const text = `Invalid URL '${url}': No scheme supplied. Perhaps you meant https://${url}?`;
  return failed("MissingSchema", text);
}

export function notJson(): PythonError {
  return failed("JSONDecodeError", "Expecting value: line 1 column 1 (char 0)");
}

export function missingBundle(path: string): PythonError {
  const text = `Could not find a suitable TLS CA certificate bundle, invalid path: ${path}`;
  return new PythonError("builtins", "OSError", text);
}

/** `code` is Node's; "ETIMEDOUT" when the time was over, whatever it was spent on. */
export function fetchFailed(url: URL, code: string, timeoutS: number): PythonError {
  const host = url.hostname;
  const verified = certificateText(code, host);
  if (verified !== undefined) {
    const text = `[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: ${verified} (_ssl.c:1000)`;
    return failed("SSLError", pool(url, `SSLError(SSLCertVerificationError(1, ${quoted(text)}))`));
  }
  if (code === "ETIMEDOUT") return timedOut(url, timeoutS);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    const reason =
      code === "ENOTFOUND" ? "[Errno -2] Name or service not known" : "[Errno -3] Temporary failure in name resolution";
    return failed(
      "ConnectionError",
      pool(url, `NameResolutionError("${OBJECT}: Failed to resolve '${host}' (${reason})")`),
    );
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) {
    const text = "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1000)";
    return failed("SSLError", pool(url, `SSLError(SSLError(1, '${text}'))`));
  }
  const reason = socketTexts[code];
  if (reason === undefined)
    return failed("ConnectionError", "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))");
  return failed(
    "ConnectionError",
    pool(url, `NewConnectionError('${OBJECT}: Failed to establish a new connection: ${reason}')`),
  );
}

function certificateText(code: string, host: string): string | undefined {
  if (code !== "ERR_TLS_CERT_ALTNAME_INVALID") return verifyTexts[code];
  const what = isIP(host) === 0 ? "Hostname" : "IP address";
  return `${what} mismatch, certificate is not valid for '${host}'.`;
}

function timedOut(url: URL, timeoutS: number): PythonError {
  return failed("ReadTimeout", `${poolName(url)}: Read timed out. (read timeout=${timeoutS})`);
}

function pool(url: URL, cause: string): string {
  return `${poolName(url)}: Max retries exceeded with url: ${url.pathname} (Caused by ${cause})`;
}

function poolName(url: URL): string {
  const secure = url.protocol === "https:";
  const port = url.port || (secure ? "443" : "80");
  return `${secure ? "HTTPS" : "HTTP"}ConnectionPool(host='${url.hostname}', port=${port})`;
}

function quoted(text: string): string {
  return text.includes("'") ? `"${text}"` : `'${text}'`;
}

function failed(className: string, message: string): PythonError {
  return new PythonError("requests.exceptions", className, message);
}
