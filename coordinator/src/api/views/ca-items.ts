import type { StatusItem } from "@fettle/shared/api/status.ts";
import { noteOf } from "./note.ts";

export interface CaEnds {
  readonly rootNotAfter: number;
  /** The issuing CA's end. */
  readonly notAfter: number;
}

const DAY_MS = 24 * 60 * 60_000;
/** A month after the issuing CA was due to be renewed by itself, which needs the root's key here. */
const ISSUER_LATE_DAYS = 335;
/** Below a year the root makes no new issuing CA any more. */
const ROOT_LATE_DAYS = 365;

/** What a person has to do about the coordinator's own CA before it ends. Pure. */
export function caItems({ rootNotAfter, notAfter }: CaEnds, now: number): StatusItem[] {
  const [root, issuer] = [rootNotAfter, notAfter].map((at) => Math.max(0, Math.floor((at - now) / DAY_MS)));
  const item = (code: string, days = 0): StatusItem => ({
    ...{ where: "coordinator", state: "finding", since: null },
    ...noteOf(code, { days }, "coordinator"),
  });
  if ((root ?? 0) < ROOT_LATE_DAYS) return [item("coordinator.root-ending", root)];
  return (issuer ?? 0) < ISSUER_LATE_DAYS ? [item("coordinator.issuer-ending", issuer)] : [];
}
