import type { Clock } from "@fettle/shared/lib/clock.ts";
import type { Ask } from "@fettle/shared/protocol/ask.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import type { Hello } from "@fettle/shared/protocol/hello.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import type { Logger } from "pino";
import type { DesiredStore } from "../store/desired.ts";
import type { Identity } from "../store/identity.ts";
import type { Store } from "../store/store.ts";

/** Where a coordinator is reached. */
export interface Address {
  /** A name or an IP address; IPv6 in brackets. */
  readonly host: string;
  /** The agents' listener; when absent, what the coordinator said at the enrolment. */
  readonly port?: number | undefined;
  readonly apiPort: number;
}

/** What hello says beside the report and the clocks. */
export type Introduction = Omit<Hello, "wallMs" | "monoMs" | "report">;

/** Everything the link is handed; it reaches for nothing by itself but its one socket. */
export interface LinkParts {
  readonly coordinators: readonly Address[];
  /** Read before each dial, so that a new enrolment counts without a restart. null: not enrolled. */
  readonly identity: () => Promise<Identity | null>;
  readonly desired: Pick<DesiredStore, "current" | "fence" | "raiseFence">;
  readonly store: { readonly [T in "runs" | "logs" | "audit"]: Pick<Store[T], "owed" | "acknowledge"> };
  readonly introduce: () => Introduction;
  readonly currentReport: () => Report;
  /** Numbers by name; lossy. */
  readonly metrics: () => Readonly<Record<string, number>>;
  /** Takes a desired state that passed the fence and the order; resolves when it is on disk or rejected by report. */
  readonly onDesired: (desired: Desired) => Promise<void>;
  /** Answers a question; the signal fires at its deadline. A FettleError's code becomes the answer's. */
  readonly onAsk: (ask: Ask, signal: AbortSignal) => Promise<unknown>;
  /** The identity that was handed out last was let in; before anything else of the connection. */
  readonly onLetIn?: () => Promise<void>;
  /** The coordinator said good-bye, and why. */
  readonly onBye?: (code: string, reason: string) => void;
  /** The link was made or lost. */
  readonly onStatus?: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}
