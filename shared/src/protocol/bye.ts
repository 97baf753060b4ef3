import * as z from "zod";
import { code } from "./names.ts";

/** The connection ends, and why. */
export const bye = z.object({ code, reason: z.string().max(500).optional() });
export type Bye = z.infer<typeof bye>;
