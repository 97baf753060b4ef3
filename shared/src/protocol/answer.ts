import * as z from "zod";
import { code } from "./names.ts";

/** The agent's answer to an ask; `code` is set when it could not be answered. */
export const answer = z.object({
  id: z.string().max(64),
  code: code.optional(),
  reason: z.string().max(2000).optional(),
  result: z.unknown(),
});
export type Answer = z.infer<typeof answer>;
