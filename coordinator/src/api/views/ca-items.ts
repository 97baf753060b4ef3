import type { StatusItem } from "@fettle/shared/api/status.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
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
  const daysUntil = (at: number) => Math.max(0, Math.floor((at - now) / DAY_MS));
  const [root, issuer] = [daysUntil(rootNotAfter), daysUntil(notAfter)];
  // A rotation makes a new issuing CA, too.
  if (root < ROOT_LATE_DAYS) return [item("coordinator.root-ending", root)];
  return issuer < ISSUER_LATE_DAYS ? [item("coordinator.issuer-ending", issuer)] : [];
}

function item(code: Code, days: number): StatusItem {
  return { where: "coordinator", state: "finding", since: null, ...noteOf(code, { days }, "coordinator") };
}
