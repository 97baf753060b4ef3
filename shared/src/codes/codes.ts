import { agentCodes } from "./agent.ts";
import type { CodeDefinition } from "./code.ts";
import { linkCodes } from "./link.ts";

/** The whole catalogue. A code that is not here does not compile. */
const catalogue = {
  ...agentCodes,
  ...linkCodes,
};

export type Code = keyof typeof catalogue;

export const codes: Readonly<Record<Code, CodeDefinition>> = catalogue;
