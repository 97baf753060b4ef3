import * as z from "zod";
import { duration, name, path } from "../fields.ts";

const REFERENCE =
  /^[a-z0-9][a-z0-9._-]*(:\d{1,5})?(\/[a-z0-9][a-z0-9._-]*)*((:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})$/;

const image = z
  .string()
  .max(300)
  .refine((text) => text === "auto" || REFERENCE.test(text), {
    error: "auto, or an image reference with a tag or a digest",
  });

export const gateway = z
  .strictObject({
    node: name.describe("The node that the AI gateway runs on."),
    image: image
      .default("auto")
      .describe(
        "`auto`: the newest release of GitLab's X.Y at apply (or when first known); a later X.Y of GitLab is a finding until the next apply. Or an exact reference.",
      ),
    auth: z
      .enum(["jwt", "bypass"])
      .default("jwt")
      .describe("`bypass` lets everybody who reaches the port use the gateway; refused in production."),
    platform: z.boolean().default(false).describe("Serve the Agent Platform on port 50052 too."),
    caBundle: path.optional().describe("A CA bundle on the gateway VM with the CA of GitLab's certificate."),
    drain: duration.prefault("10m").describe("How long a disturbing repair waits for running requests to end."),
  })
  .describe("The GitLab AI gateway: a container that Fettle makes and keeps.");
export type GatewaySection = z.output<typeof gateway>;
