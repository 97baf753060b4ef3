import { type Refusal, shown } from "./refusal.ts";

/** A GitLab user name. */
const USER = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/;
const KEY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const NOT_PRINTABLE = /\p{Cc}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

export function userRefusal(what: string, name: string): Refusal | null {
  return USER.test(name) ? null : shape(what, name);
}

/** A key that becomes part of a resource id. */
export function keyRefusal(what: string, key: string): Refusal | null {
  return KEY.test(key) ? null : shape(what, key);
}

/** Text that people see: no control characters and nothing that turns the reading direction. */
export function textRefusal(what: string, text: string): Refusal | null {
  return NOT_PRINTABLE.test(text) ? shape(what, text) : null;
}

function shape(what: string, found: string): Refusal {
  return { code: "policy.text-shape", args: { what, found: shown(found) } };
}
