import { API_PORT } from "@fettle/shared/api/enrol.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { parseDocument } from "yaml";
import * as z from "zod";
import { defaultPolicy, localPolicy } from "./policy/local-policy.ts";
import type { FileStat, Files } from "./system/files.ts";

const HOST = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)$/;
const SHORT = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/;
const EXPECTED =
  "an address or name, as in 172.31.11.5, with the agents' port behind a colon if it is another than usual";

const port = z.number().int().min(1).max(65_535);
const host = z.string().regex(HOST, { error: EXPECTED });

const coordinator = z.strictObject({
  host,
  /** The agents' listener; when absent, what the coordinator said at the enrolment. */
  port: port.optional(),
  /** The operators' listener, for enrolment. */
  apiPort: port.default(API_PORT),
});
export type CoordinatorAddress = z.infer<typeof coordinator>;

/** `host`, `host:port` or the long form. */
const coordinatorEntry = z.union([
  z.string().transform((text, ctx): CoordinatorAddress => {
    const match = SHORT.exec(text);
    const found = coordinator.safeParse({ host: match?.[1], ...(match?.[2] && { port: Number(match[2]) }) });
    if (found.success) return found.data;
    ctx.addIssue({ code: "custom", message: EXPECTED });
    return z.NEVER;
  }),
  coordinator,
]);

const agentConfig = z.strictObject({
  /** Tried in turn; the order is where the first attempt goes. */
  coordinators: z.array(coordinatorEntry).min(1, { error: "name at least one coordinator" }).max(10),
  /** Seconds between two reads of GitLab's settings. */
  gitlabPollSeconds: z.number().int().min(1).max(600).default(60),
  policy: localPolicy.default(defaultPolicy),
});
export type AgentConfig = z.infer<typeof agentConfig>;

/**
 * Reads agent.yaml. It is refused unless only its owner can touch it, and the owner is root or who runs the agent: it
 * is what this machine allows. Throws FettleError `agent.config-…`.
 */
export async function loadConfig(files: Files, path: string, ownUid: number): Promise<AgentConfig> {
  const stat = await files.stat(path);
  if (stat === null) throw new FettleError("agent.config-absent", { path });
  if (stat.kind !== "file" || (stat.mode & 0o077) !== 0 || (stat.uid !== 0 && stat.uid !== ownUid))
    throw exposed(path, stat);
  const text = await files.readText(path);
  if (text === null) throw new FettleError("agent.config-absent", { path });
  return parseConfig(path, text);
}

function exposed(path: string, stat: FileStat): FettleError {
  const mode = stat.kind === "file" ? stat.mode.toString(8).padStart(4, "0") : `a ${stat.kind}`;
  return new FettleError("agent.config-exposed", { path, owner: stat.uid, mode });
}

export function parseConfig(path: string, text: string): AgentConfig {
  const parsed = agentConfig.safeParse(yamlOf(path, text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join(".") || "the top level";
  throw new FettleError("agent.config-invalid", { path, where, problem: issue?.message ?? "it is not understood" });
}

function yamlOf(path: string, text: string): unknown {
  const document = parseDocument(text, { prettyErrors: true });
  const error = document.errors[0];
  if (error !== undefined) {
    const where = `line ${error.linePos?.[0].line ?? 1}`;
    throw new FettleError("agent.config-invalid", { path, where, problem: error.message.split("\n")[0] ?? "" });
  }
  try {
    return document.toJS({ maxAliasCount: 20 });
  } catch (error) {
    throw new FettleError("agent.config-invalid", { path, where: "the aliases", problem: messageOf(error) });
  }
}
