import type { Check } from "./check.ts";
import { completeness } from "./completeness.ts";
import { duplicates } from "./duplicates.ts";
import { references } from "./references.ts";
import { safety } from "./safety.ts";

export const checks: readonly Check[] = [completeness, references, duplicates, safety];
