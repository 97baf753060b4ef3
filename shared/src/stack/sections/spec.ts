import * as z from "zod";
import { name } from "../fields.ts";
import { gateway } from "./gateway.ts";
import { gitlab } from "./gitlab.ts";
import { modelServers } from "./model-servers.ts";
import { nodes } from "./nodes.ts";
import { policy } from "./policy.ts";

export const spec = z
  .strictObject({
    environment: z
      .enum(["evaluation", "production"])
      .default("production")
      .describe("`production` refuses the gateway's auth bypass and plain http to GitLab."),
    mode: z
      .enum(["observe", "enforce"])
      .default("observe")
      .describe("`observe`: differences are reported and nothing is changed, until you say `enforce`."),
    nodes,
    gitlab: gitlab.optional(),
    gateway: gateway.optional(),
    modelServers,
    policy,
  })
  .describe("What the stack is to be.");

export const stackFile = z
  .strictObject({
    apiVersion: z.literal("fettle.dev/v1"),
    kind: z.literal("Stack"),
    metadata: z.strictObject({ name: name.describe("The stack's name.") }),
    spec,
  })
  .describe("A GitLab Duo Self-Hosted stack: the state that Fettle keeps it in.");

/** A stack as it is stored and compared: defaults filled in, durations in ms, addresses canonical. */
export type StackFile = z.output<typeof stackFile>;
export type StackSpec = StackFile["spec"] & { readonly name: string };
