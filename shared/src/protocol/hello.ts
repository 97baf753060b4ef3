import * as z from "zod";
import { report } from "./report.ts";

/** The first frame on a connection, from the agent. */
export const hello = z.object({
  version: z.string().max(40),
  protocol: z.number().int(),
  capabilities: z.array(z.string().max(80)).max(200),
  roles: z.array(z.string().max(40)).max(10),
  machineId: z.string().max(80),
  bootId: z.string().max(80),
  instanceId: z.string().max(80),
  /** DMI product UUID; empty where there is none. */
  productUuid: z.string().max(80).optional(),
  wallMs: z.number(),
  monoMs: z.number(),
  report,
});
export type Hello = z.infer<typeof hello>;
