/**
 * What a log line never shows. The coordinator is handed no secrets by its environment: its CA's key lies in `pki/`,
 * and tokens are stored hashed. What remains is what requests and answers carry.
 */
export const SECRET_FIELDS = ["token", "secret", "key", "authorization", "cookie", "password", "proof", "publicKey"];

/** The same fields one and two levels down. */
export function redactedPaths(): string[] {
  return SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
}
