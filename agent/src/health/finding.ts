import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import { type Code, codes } from "@fettle/shared/codes/codes.ts";
import type { HealthState } from "@fettle/shared/protocol/health.ts";

/** Something that is not well, with a code of the catalogue; its severity is the code's. */
export interface HealthFinding {
  readonly code: Code;
  readonly args: CodeArgs;
}

/** The worst severity of the findings. */
export function worstOf(findings: readonly HealthFinding[]): HealthState {
  const severities = findings.map(({ code }) => codes[code].severity);
  if (severities.includes("critical")) return "critical";
  return severities.includes("warning") ? "warning" : "ok";
}

/** `1.2 GB`, for texts. */
export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const value = bytes / 1000 ** step;
  return `${value >= 100 || step === 0 ? Math.round(value) : value.toFixed(1)} ${units[step]}`;
}
