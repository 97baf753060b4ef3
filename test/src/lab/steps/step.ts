import type { Lab } from "../lab.ts";

/** One named check of the lab test: it throws when what it says is not so, and may give lines to be printed. */
export type Step<L extends Lab = Lab> = {
  name: string;
  run: (lab: L) => Promise<unknown>;
  /** Without it nothing of what follows can be asked. */
  needed?: boolean;
};
