import { Faults as Given, kinds, type Shape } from "../control.ts";

/** Ways to be broken that pass, apart from the state. */
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

const SHAPE: Shape<Faults> = {
  page: { is: "502 or deploy", ok: (value) => value === "502" || value === "deploy" },
  hang: kinds.flag,
  slowMs: kinds.count,
  graphqlTimeout: kinds.flag,
  readiness: kinds.texts,
  migrationsPending: kinds.flag,
  refuse: kinds.object,
  deny: kinds.object,
  jwks: { is: "ok, error, empty or hang", ok: (value) => ["ok", "error", "empty", "hang"].includes(String(value)) },
  sidekiqDown: kinds.flag,
  rails: kinds.text,
};

/** What is not named is off. */
export class FaultBox {
  readonly #given: Given<Partial<Faults>>;

  constructor(file?: string) {
    this.#given = new Given(SHAPE, file);
  }

  get now(): Faults {
    return { ...NONE, ...this.#given.now };
  }

  replace(wanted: unknown): void {
    this.#given.replace(wanted);
  }
}
