/** Node's and OpenSSL's codes of a certificate that does not verify or is for another name. */
const UNTRUSTED = /^(ERR_TLS_CERT|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|INVALID_(CA|PURPOSE)|PATH_LENGTH|HOSTNAME_)/;

export function isUntrusted(code: string): boolean {
  return UNTRUSTED.test(code);
}
