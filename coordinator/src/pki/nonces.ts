import { createHmac, randomBytes } from "node:crypto";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { sameHash } from "./token.ts";

const LIFE_MS = 2 * 60_000;

/** What a signature is made over so that it is of now: kept by nobody, good for two minutes in this life. */
export class Nonces {
  readonly #clock: Clock;
  readonly #secret = randomBytes(32);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(): string {
    const end = String(Math.round(this.#clock.mono() + LIFE_MS));
    const salt = randomBytes(8).toString("hex");
    return `${end}.${salt}.${this.#mac(end, salt)}`;
  }

  isGood(nonce: string): boolean {
    const [end = "", salt = "", mac = ""] = nonce.split(".");
    return sameHash(mac, this.#mac(end, salt)) && Number(end) > this.#clock.mono();
  }

  #mac(end: string, salt: string): string {
    return createHmac("sha256", this.#secret).update(`${end}.${salt}`).digest("hex");
  }
}
