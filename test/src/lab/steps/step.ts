import type { Lab } from "../lab.ts";

/** One named check of the lab test: it throws when what it says is not so. */
export type Step = { name: string; run: (lab: Lab) => Promise<void> };
