import { isIP } from "node:net";
import { clean } from "./go-values.ts";

export interface HostAddress {
  scheme: string;
  /** Without brackets; empty means all interfaces. */
  host: string;
  port: number;
  /** What stood where a port belongs and was none. */
  badPort?: string;
}

/** OLLAMA_HOST as the real one reads it: a scheme changes the default port (`http://h` is port 80), a path is ignored. */
export function parseHost(value: string | undefined): HostAddress {
  const text = clean(value).trim();
  const [scheme, rest] = splitScheme(text);
  const fallback = text.includes("://") ? { http: 80, https: 443 }[scheme] : undefined;
  const defaultPort = fallback ?? 11434;
  const hostport = rest.split("/")[0] ?? "";
  const split = splitPort(hostport);
  if (split === undefined) return { scheme, host: bareHost(hostport), port: defaultPort };
  if (!/^[+-]?\d+$/.test(split.port) || Number(split.port) > 65535 || Number(split.port) < 0) {
    return { scheme, host: split.host, port: defaultPort, badPort: split.port };
  }
  return { scheme, host: split.host, port: Number(split.port) };
}

/** `host:port`, an IPv6 address in brackets. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

export function showHost(address: HostAddress): string {
  return `${address.scheme}://${joinHostPort(address.host, address.port)}`;
}

/** Where a client of this address connects: "all interfaces" becomes loopback. */
export function connectable(address: HostAddress): HostAddress {
  if (address.host === "" || address.host === "0.0.0.0") return { ...address, host: "127.0.0.1" };
  return address.host === "::" ? { ...address, host: "::1" } : address;
}

function splitScheme(text: string): [string, string] {
  const at = text.indexOf("://");
  return at < 0 ? ["http", text] : [text.slice(0, at), text.slice(at + 3)];
}

/** undefined: no port in it (nothing after the host, or a bare IPv6 address). */
function splitPort(text: string): { host: string; port: string } | undefined {
  const bracketed = /^\[([^\]]*)\]:(.*)$/.exec(text);
  if (bracketed) return { host: bracketed[1] ?? "", port: bracketed[2] ?? "" };
  const parts = text.split(":");
  return parts.length === 2 ? { host: parts[0] ?? "", port: parts[1] ?? "" } : undefined;
}

function bareHost(text: string): string {
  const bare = text.replace(/^[[\]]+|[[\]]+$/g, "");
  return isIP(bare) !== 0 ? bare : text === "" ? "127.0.0.1" : text;
}
