import { type Refusal, shown } from "./refusal.ts";

export interface PlainUrl {
  readonly scheme: "http" | "https";
  /** A name or an IP address, without brackets, in lower case. */
  readonly host: string;
  readonly port: number;
  /** Empty, or begins with a slash and does not end with one. */
  readonly path: string;
}

const URL_FORM =
  /^(https?):\/\/(?:\[([0-9a-fA-F:.]{2,64})\]|([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?))(?::(\d{1,5}))?((?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)*)$/;

/**
 * Takes an address apart without forgiving anything: no user, query, fragment, escape, doubled slash or dot segment, so
 * that every program which reads it later reads the same host out of it. null when it is not such an address.
 */
export function plainUrl(text: string): PlainUrl | null {
  const match = URL_FORM.exec(text);
  if (match === null) return null;
  const scheme = match[1] === "https" ? "https" : "http";
  const port = match[4] === undefined ? (scheme === "https" ? 443 : 80) : Number(match[4]);
  if (port < 1 || port > 65_535) return null;
  return { scheme, host: (match[2] ?? match[3] ?? "").toLowerCase(), port, path: match[5] ?? "" };
}

export function urlShape(what: string, found: string, expected: string): Refusal {
  return { code: "policy.url-shape", args: { what, found: shown(found), expected } };
}
