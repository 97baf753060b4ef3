import * as z from "zod";
import { FEATURES, MODEL_FAMILIES } from "../../roles/gitlab.ts";
import { name, path } from "../fields.ts";

const username = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/, { error: "a GitLab username" });

const url = z
  .string()
  .max(255)
  .refine(isPlainUrl, { error: "a URL as in https://gitlab.example.com, without user, query or fragment" })
  .transform((text) => text.replace(/\/+$/, ""));

const token = z
  .union([
    z.strictObject({
      mint: z.literal(true).describe("Your consent to a token that the agent makes on the GitLab VM."),
      actor: username.describe("The administrator whose token it is."),
    }),
    z.strictObject({ file: path.describe("A file on the GitLab VM that holds the token.") }),
  ])
  .describe(
    "Where the agent on the GitLab VM has its API token from. It never leaves that VM. Either `mint` with `actor`, or `file`.",
  );

const model = z
  .strictObject({
    displayName: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe("The name in GitLab's list of models; default: the key."),
    family: z.enum(MODEL_FAMILIES).describe("The model family, which decides prompts and stop words."),
    servedBy: z
      .array(name)
      .min(1, { error: "one node" })
      .max(1, { error: "one node: several come later" })
      .describe("The node whose model server has the model."),
    model: z.string().min(1).max(200).describe("The model's name on that server, as in `mistral:instruct`."),
  })
  .describe("One self-hosted model record in GitLab. Its endpoint and identifier follow from the server.");

export const DISABLED = "disabled";
const target = z.string().min(1).max(63);
const feature = z
  .union([
    target.describe("The key of one of `models`, or `disabled`."),
    z.strictObject({
      model: target.describe("The key of one of `models`, or `disabled`."),
      policy: z.enum(["repair", "alert"]).default("repair").describe("`alert`: be told instead of repaired."),
    }),
  ])
  .transform((value) => (typeof value === "string" ? { model: value, policy: "repair" as const } : value))
  .describe("The key of one of `models`, `disabled`, or a map with a policy.");

export const gitlab = z
  .strictObject({
    node: name.describe("The node that GitLab runs on."),
    url: url.describe("GitLab's own URL, as users and the gateway reach it."),
    ca: path.optional().describe("A CA file on the GitLab VM that GitLab's certificate is verified with."),
    token,
    seats: z.array(username).max(500).default([]).describe("Users that are to have a Duo seat. Nobody loses one."),
    aiGatewayTimeoutSeconds: z
      .number()
      .int()
      .min(60)
      .max(600)
      .optional()
      .describe("How long GitLab waits for the gateway; left alone when absent."),
    allowOutbound: z
      .boolean()
      .default(false)
      .describe("Let Fettle add the gateway's address to GitLab's outbound allow-list, after GitLab refused it."),
    models: z.record(name, model).default({}).describe("Self-hosted models by key."),
    features: z
      .partialRecord(z.enum(FEATURES), feature)
      .default({})
      .describe("Which model answers which Duo feature. Absent: left alone; `disabled`: explicitly off."),
  })
  .describe("GitLab: configured and watched, never installed, upgraded or restarted.");
export type GitlabSection = z.output<typeof gitlab>;

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text) || /[\s\\]/.test(text)) return false;
  const parsed = new URL(text);
  const plain = parsed.username === "" && parsed.password === "" && parsed.search === "" && parsed.hash === "";
  return plain && ["http:", "https:"].includes(parsed.protocol) && !/[?#]$/.test(text);
}
