const IPV4 = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;

/**
 * The canonical text of an IP address (IPv6 in its short lower-case form), or null when the text is none. Zones and
 * IPv4 in octal or with fewer parts are none: programs disagree about them.
 */
export function ipAddress(text: string): string | null {
  if (IPV4.test(text)) return text;
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !text.includes(":")) return null;
  try {
    return new URL(`http://[${text}]/`).hostname.slice(1, -1);
  } catch {
    return null;
  }
}

export function isLoopback(ip: string): boolean {
  return ip.startsWith("127.") || ip === "::1";
}

/** Every address of the host: what a service that listens there does not choose. */
export function isUnspecified(ip: string): boolean {
  return ip === "0.0.0.0" || ip === "::";
}

/** An address that the internet does not route: RFC 1918, shared (RFC 6598), unique local IPv6, loopback. */
export function isPrivate(ip: string): boolean {
  if (isLoopback(ip)) return true;
  if (ip.includes(":")) return /^f[cd]/.test(ip);
  const [first = 0, second = 0] = ip.split(".").map(Number);
  if (first === 10 || (first === 192 && second === 168)) return true;
  return (first === 172 && second >= 16 && second <= 31) || (first === 100 && second >= 64 && second <= 127);
}

/** `address:port`, with the brackets that IPv6 needs. */
export function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Address and port of `1.2.3.4:80` or `[::1]:80`; null when it is neither. */
export function splitHostPort(text: string): { host: string; port: number } | null {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = ipAddress(match?.[1] ?? match?.[2] ?? "");
  const port = Number(match?.[3] ?? 0);
  return host === null || port < 1 || port > 65535 ? null : { host, port };
}
