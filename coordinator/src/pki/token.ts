import { randomBytes, timingSafeEqual } from "node:crypto";
import { FettleError } from "@fettle/shared/lib/errors.ts";

/** The parts of `fettle1.<pin>.<id>.<secret>`. */
export interface TokenParts {
  readonly pin: string;
  readonly id: string;
  readonly secret: string;
}

export function newToken(pin: string): TokenParts {
  return { pin, id: randomBytes(8).toString("hex"), secret: randomBytes(32).toString("base64url") };
}

export function tokenText({ pin, id, secret }: TokenParts): string {
  return `fettle1.${pin}.${id}.${secret}`;
}

/** Throws `identity.token-unknown` for text that is no token. */
export function tokenParts(text: string): TokenParts {
  const [kind, pin, id, secret, ...rest] = text.split(".");
  const whole = pin !== undefined && id !== undefined && secret !== undefined && rest.length === 0;
  if (kind !== "fettle1" || !whole) throw new FettleError("identity.token-unknown");
  return { pin, id, secret };
}

/** Compares in a time that says nothing about where the two differ. */
export function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, "hex"), Buffer.from(b, "hex")];
  return left.length === right.length && timingSafeEqual(left, right);
}
