/**
 * How a pull fails. What goes wrong before the first byte is an HTTP status; after it, the last line of a stream that
 * was answered with 200. The texts are those of real pulls, with the registry's host filled in.
 */
export interface PullError {
  /** Undefined: within the stream. */
  status?: number;
  text: (host: string, reference: string) => string;
}

export const pullErrors = {
  "too-many-requests": {
    status: 500,
    text: () =>
      "toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
  },
  "no-such-host": {
    status: 500,
    text: (host: string) => `Get "https://${host}/v2/": dial tcp: lookup ${host} on 127.0.0.53:53: no such host`,
  },
  refused: {
    status: 500,
    text: (host: string) =>
      `Get "https://${host}/v2/": dial tcp ${/:\d+$/.test(host) ? host : "192.0.2.1:443"}: connect: connection refused`,
  },
  timeout: {
    status: 500,
    text: (host: string) =>
      `Get "https://${host}/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)`,
  },
  untrusted: {
    status: 500,
    text: (host: string) =>
      `Get "https://${host}/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
  },
  unauthorized: { status: 500, text: () => "unauthorized: authentication required" },
  "bad-gateway": { status: 500, text: () => "received unexpected HTTP status: 502 Bad Gateway" },
  denied: {
    status: 404,
    text: (_host: string, reference: string) =>
      `pull access denied for ${reference.replace(/(:[^/]*)?(@.*)?$/, "")}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
  },
  "not-found": {
    status: 404,
    text: (_host: string, reference: string) =>
      `manifest for ${reference} not found: manifest unknown: manifest unknown`,
  },
  "no-space": {
    text: () => "write /var/lib/docker/tmp/GetImageBlob3041592653: no space left on device",
  },
  "no-space-extracting": {
    text: () => "failed to register layer: write /home/aigateway/.cache/model.bin: no space left on device",
  },
  broken: { text: () => "unexpected EOF" },
} satisfies Record<string, PullError>;

export type PullErrorName = keyof typeof pullErrors;

export function pullError(name: string | undefined): PullError | undefined {
  return name !== undefined && Object.hasOwn(pullErrors, name) ? pullErrors[name as PullErrorName] : undefined;
}
