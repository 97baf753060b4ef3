import type { Pause } from "@fettle/shared/protocol/desired.ts";
import type { LocalPause } from "@fettle/shared/protocol/report.ts";
import t from "tap";
import { NOTHING, type Standing } from "./reconcile/standing.ts";
import { type HeldBackParts, heldBack } from "./update-parts.ts";

const NOW = 1_700_000_000_000;
const ENFORCE: Standing["policy"] = { mode: "enforce", pauses: [], contention: null };
const here = (scope: string, until: number | null = null): LocalPause => ({ scope, reason: "hands off", until, at: 1 });
const there = (scope: string, until: number | null = null): Pause => ({
  scope,
  reason: "release day",
  by: "ada",
  until,
});

interface Case extends Partial<Omit<HeldBackParts, "loop">> {
  readonly policy?: Standing["policy"];
  readonly applying?: string;
}

const parts = ({ policy = ENFORCE, applying, ...rest }: Case): HeldBackParts => ({
  loop: { standing: { ...NOTHING, policy }, applying: applying ?? null },
  frozen: null,
  observing: null,
  pauses: [],
  now: NOW,
  ...rest,
});

/** What holds this machine's agent back from an update, and the code that it says. */
const CASES: readonly [string, Case, string | null][] = [
  ["nothing", {}, null],
  [
    "the coordinator has frozen it",
    { frozen: { code: "identity.duplicate", reason: "two of them" } },
    "update.observing",
  ],
  ["its own decision", { observing: { reason: "this is another machine" } }, "update.observing"],
  ["the stack only observes", { policy: { ...ENFORCE, mode: "observe" } }, "update.observing"],
  ["paused on the machine", { pauses: [here("*")] }, "update.paused"],
  ["a pause on the machine that is over", { pauses: [here("*", NOW)] }, null],
  ["one role is paused on the machine", { pauses: [here("ollama")] }, null],
  ["the stack is paused", { policy: { ...ENFORCE, pauses: [there("stack")] } }, "update.paused"],
  ["the node is paused", { policy: { ...ENFORCE, pauses: [there("ollama-1", NOW + 1)] } }, "update.paused"],
  ["one resource is paused", { policy: { ...ENFORCE, pauses: [there("ollama-1/ollama.service")] } }, null],
  ["a repair is at work", { applying: "ollama.service" }, "update.busy"],
];

for (const [name, given, code] of CASES)
  t.test(`held back: ${name}`, async (t) => t.equal(heldBack(parts(given))?.code ?? null, code));
