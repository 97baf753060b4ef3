import * as z from "zod";
import { positiveDuration } from "../fields.ts";

const count = z.number().int().min(1).max(1000);

const limits = z
  .strictObject({
    repairs: count.default(5).describe("Fettle stops when the same wrong value came back this many times."),
    within: positiveDuration
      .prefault("10m")
      .describe("Only what comes back within this time after a verified repair counts."),
    quiet: positiveDuration.prefault("30m").describe("Repairs go on after this long without that write."),
    gitlab: z
      .strictObject({
        repairs: count.default(2).describe("As above, for GitLab's settings."),
        within: positiveDuration.prefault("2h").describe("As above, for GitLab's settings."),
      })
      .prefault({})
      .describe("The same for GitLab's settings, which are polled."),
  })
  .describe("When Fettle stops repairing what somebody else keeps setting back.");

export const policy = z
  .strictObject({
    contention: z
      .union([z.literal("off"), limits])
      .prefault({})
      .describe("Limits, or `off`."),
  })
  .prefault({})
  .describe("Limits of repair.");
