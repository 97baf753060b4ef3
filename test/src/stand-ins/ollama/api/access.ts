import { isIP, isIPv6 } from "node:net";
import { hostname, networkInterfaces } from "node:os";

/** Names and addresses by which a server on loopback lets itself be called; everything else is 403. */
export function allowedHost(bound: string, header: string | undefined): boolean {
  if (!isLoopback(bound)) return true;
  const host = withoutPort(header ?? "").toLowerCase();
  if (isIP(host) !== 0) return isLoopback(host) || isPrivate(host) || isOwn(host);
  if (host === "" || host === "localhost" || host === hostname().toLowerCase()) return true;
  return [".localhost", ".local", ".internal"].some((end) => host.endsWith(end));
}

/** A browser's page from elsewhere is refused: no Origin, our own address and the list's patterns pass. */
export function allowedOrigin(origin: string | undefined, host: string | undefined, patterns: string[]): boolean {
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return true;
  return patterns.some((pattern) => {
    const star = pattern.indexOf("*");
    if (star < 0) return pattern === origin;
    return origin.startsWith(pattern.slice(0, star)) && origin.endsWith(pattern.slice(star + 1));
  });
}

function withoutPort(header: string): string {
  const bracketed = /^\[([^\]]*)\](:\d+)?$/.exec(header);
  if (bracketed) return bracketed[1] ?? "";
  return isIPv6(header) ? header : header.replace(/:\d+$/, "");
}

const isLoopback = (ip: string): boolean => ip === "::1" || /^(::ffff:)?127\./.test(ip);

function isPrivate(ip: string): boolean {
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|0\.0\.0\.0$|f[cd]|::$)/i.test(ip);
}

function isOwn(ip: string): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === ip));
}
