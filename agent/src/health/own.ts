import type { Certificate } from "@fettle/shared/protocol/health.ts";
import type { HealthFinding } from "./finding.ts";

const DAY_MS = 86_400_000;
const WARNING_DAYS = 21;
const CRITICAL_DAYS = 7;
/** Above this the gateway and GitLab begin to refuse each other's tokens. */
const SKEW_MS = 5_000;
/** Said until it is clearly better again. */
const SKEW_OVER_MS = 4_000;

/** The agent's own certificate: how long it lasts. */
export function certificateFindings(expiresAt: number, now: number): HealthFinding[] {
  const days = Math.floor((expiresAt - now) / DAY_MS);
  if (days >= WARNING_DAYS) return [];
  const code = days < CRITICAL_DAYS ? "health.certificate-expired" : "health.certificate-expiring";
  return [{ code, args: { days: Math.max(0, days) } }];
}

export function ownCertificate(expiresAt: number): Certificate {
  return { name: "fettle-agent", expiresAt };
}

/** The clock's difference to the coordinator's; `before` is whether it was said already. */
export function skewFindings(offsetMs: number | null, before: boolean): HealthFinding[] {
  if (offsetMs === null) return [];
  const off = Math.abs(offsetMs);
  if (off <= (before ? SKEW_OVER_MS : SKEW_MS)) return [];
  return [{ code: "clock.skew", args: { seconds: Math.round(off / 1000) } }];
}
