/** The wire's version. The schema-hash test fails when a message changes and this stays. */
export const PROTOCOL = 1;
/** The oldest that this version still speaks: that of the minor version before. */
export const OLDEST_PROTOCOL = 1;

/** Old and new work together across one step, both ways, and never below the oldest that is still spoken. */
export function speaksWith(peer: number): boolean {
  return peer >= OLDEST_PROTOCOL && Math.abs(peer - PROTOCOL) <= 1;
}
