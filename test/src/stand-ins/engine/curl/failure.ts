/** What `%{ssl_verify_result}` says when a handshake ended before any verdict. */
const NO_VERDICT = 1;

/** Why a transfer failed: curl's exit code, its text, and what OpenSSL said of the certificate. */
export class CurlFailure extends Error {
  readonly exitCode: number;
  readonly verifyResult: number;

  constructor(exitCode: number, message: string, verifyResult = 0) {
    super(message);
    this.exitCode = exitCode;
    this.verifyResult = verifyResult;
  }
}

/** OpenSSL's numbers and words for what Node names by code. */
const certificate: Record<string, [result: number, text: string]> = {
  CERT_SIGNATURE_FAILURE: [7, "certificate signature failure"],
  CERT_NOT_YET_VALID: [9, "certificate is not yet valid"],
  CERT_HAS_EXPIRED: [10, "certificate has expired"],
  DEPTH_ZERO_SELF_SIGNED_CERT: [18, "self-signed certificate"],
  SELF_SIGNED_CERT_IN_CHAIN: [19, "self-signed certificate in certificate chain"],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [20, "unable to get local issuer certificate"],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [20, "unable to get local issuer certificate"],
};

/** OpenSSL's verdict on a certificate that was let pass all the same. */
export function verdict(code: string | undefined): number {
  return certificate[code ?? ""]?.[0] ?? 0;
}

export function badCaFile(file: string): CurlFailure {
  return new CurlFailure(77, `error setting certificate file: ${file}`, NO_VERDICT);
}

export function failureOf(error: NodeJS.ErrnoException, url: URL, elapsedMs: number): CurlFailure {
  const { code = "" } = error;
  const host = url.hostname;
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return new CurlFailure(6, `Could not resolve host: ${host}`);
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return new CurlFailure(
      60,
      `SSL: no alternative certificate subject name matches target host name '${host}'`,
      NO_VERDICT,
    );
  }
  const [result, text] = certificate[code] ?? [];
  if (result !== undefined) return new CurlFailure(60, `SSL certificate problem: ${text}`, result);
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) {
    return new CurlFailure(35, "OpenSSL/3.0.17: error:0A00010B:SSL routines::wrong version number", NO_VERDICT);
  }
  if (code === "ECONNRESET") return new CurlFailure(52, "Empty reply from server");
  return new CurlFailure(
    7,
    `Failed to connect to ${host} port ${port} after ${elapsedMs} ms: Couldn't connect to server`,
  );
}
