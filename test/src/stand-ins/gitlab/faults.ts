import { isObject, mergePatch } from "./merge-patch.ts";

/** Ways to be broken that pass: kept in memory only, all off at start. */
export interface Faults {
  /** An HTML page instead of every answer: nginx's own 502, or the page shown during a deploy (503). */
  page: "502" | "deploy" | null;
  /** Requests are taken and never answered. */
  hang: boolean;
  /** Every answer comes this much later. */
  slowMs: number;
  /** GraphQL answers 503 as after a statement timeout. */
  graphqlTimeout: boolean;
  /** Names of readiness checks that fail, as in `db_check`; `master_check` fails the short form too. */
  readiness: string[];
  migrationsPending: boolean;
  /** Per mutation: the payload's errors, and nothing is done. */
  refuse: Record<string, string[]>;
  /** Per query or mutation: the message of a top-level error. */
  deny: Record<string, string>;
  /** The discovery document and the keys behind it. */
  jwks: "ok" | "error" | "empty" | "hang";
  /** Chat is answered by a background job; with this none runs. */
  sidekiqDown: boolean;
  /** What `gitlab-rails runner` ends with instead of doing its work. */
  rails: string | null;
}

const NONE: Faults = {
  page: null,
  hang: false,
  slowMs: 0,
  graphqlTimeout: false,
  readiness: [],
  migrationsPending: false,
  refuse: {},
  deny: {},
  jwks: "ok",
  sidekiqDown: false,
  rails: null,
};

export class FaultBox {
  #faults: Faults = NONE;

  get now(): Faults {
    return this.#faults;
  }

  /** A merge patch: null puts a fault back to off. An unknown name is an error, so that a misspelt fault is noticed. */
  patch(patch: unknown): void {
    if (!isObject(patch)) throw new TypeError("faults are an object");
    const unknown = Object.keys(patch).filter((key) => !(key in NONE));
    if (unknown.length > 0) throw new TypeError(`no such fault: ${unknown.join(", ")}`);
    this.#faults = { ...NONE, ...(mergePatch(this.#faults, patch) as Partial<Faults>) };
  }

  clear(): void {
    this.#faults = NONE;
  }
}
