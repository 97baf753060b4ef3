import type { BareStep } from "../bare/bare-lab.ts";
import { backupPage } from "./backup-page.ts";
import { restorePage } from "./restore-page.ts";
import { updatePage } from "./update-page.ts";

/** The operators' pages word for word, one after the other on the same machines; they begin with a dev build. */
export function pageSteps(): BareStep[] {
  return [...updatePage, ...backupPage, ...restorePage()];
}
