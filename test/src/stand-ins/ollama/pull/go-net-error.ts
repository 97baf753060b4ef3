/** A failed request in the words of Go's HTTP client, which end up in the last line of a pull. */
export function goNetError(error: unknown, method: string, url: URL): string {
  const cause = error as NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string };
  const verb = method[0] + method.slice(1).toLowerCase();
  return `${verb} "${url.href}": ${reason(cause, url)}`;
}

interface Cause extends NodeJS.ErrnoException {
  address?: string;
  port?: number;
  hostname?: string;
}

function reason(cause: Cause, url: URL): string {
  const to = `${cause.address ?? url.hostname}:${cause.port ?? (url.port || (url.protocol === "http:" ? 80 : 443))}`;
  const code = cause.code ?? "";
  if (code === "ENOTFOUND") return `dial tcp: lookup ${cause.hostname ?? url.hostname}: no such host`;
  if (code === "EAI_AGAIN")
    return `dial tcp: lookup ${cause.hostname ?? url.hostname}: Temporary failure in name resolution`;
  if (code === "ETIMEDOUT") return `dial tcp ${to}: i/o timeout`;
  if (code === "ECONNREFUSED") return `dial tcp ${to}: connect: connection refused`;
  if (code === "ENETUNREACH") return `dial tcp ${to}: connect: network is unreachable`;
  if (code === "EHOSTUNREACH") return `dial tcp ${to}: connect: no route to host`;
  if (code === "ECONNRESET" && cause.message.includes("TLS")) return "EOF";
  if (code === "ECONNRESET")
    return cause.message === "socket hang up" ? "EOF" : `read tcp ${to}: connection reset by peer`;
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "EPROTO" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG") {
    return "http: server gave HTTP response to HTTPS client";
  }
  const x509 = X509[code];
  return x509 === undefined ? cause.message : `tls: failed to verify certificate: x509: ${x509}`;
}

const UNKNOWN = "certificate signed by unknown authority";
const X509: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN,
  CERT_HAS_EXPIRED: "certificate has expired or is not yet valid",
  ERR_TLS_CERT_ALTNAME_INVALID: "certificate is valid for other names, not this one",
};
