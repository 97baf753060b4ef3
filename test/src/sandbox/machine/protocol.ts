import type { TransientUnit, UnitProblem } from "@fettle/agent/system/units.ts";

/** What the sandbox's host asks its machine's unit manager, a line of JSON each way. */
export type UnitCall =
  | { readonly method: "show" | "start" | "stop" | "restart" | "enable" | "resetFailed"; readonly unit: string }
  | { readonly method: "daemonReload" }
  | { readonly method: "journal"; readonly unit: string; readonly lines: number }
  | { readonly method: "runTransient"; readonly transient: TransientUnit };

export interface UnitRequest {
  readonly id: number;
  readonly call: UnitCall;
}

/** The parts of a UnitError. */
export interface UnitRefusal {
  readonly code: UnitProblem;
  readonly unit: string;
  readonly reason: string;
}

export type UnitAnswer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string; readonly refusal?: UnitRefusal }
  | { readonly event: string };
