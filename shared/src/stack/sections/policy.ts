import * as z from "zod";
import { positiveDuration } from "../fields.ts";

const HOUR = 3_600_000;
const count = z.number().int().min(1).max(1000);

const limits = z
  .strictObject({
    repairs: count.default(5).describe("This many times the same wrong value came back …"),
    within: positiveDuration.default(600_000).describe("… each within this time after a verified repair."),
    quiet: positiveDuration.default(1_800_000).describe("Repairs go on after this long without that write."),
    gitlab: z
      .strictObject({ repairs: count.default(2), within: positiveDuration.default(2 * HOUR) })
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
