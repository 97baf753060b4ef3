import { join } from "node:path";
import { bundle, ROOT } from "../bundle.ts";

/** The agent, and the program that unpacks archives apart from it. */
export const agentEntries = {
  "fettle-agent": "agent/src/main.ts",
  unpack: "agent/src/system/programs/unpack.ts",
};

export const AGENT_NATIVE = ["better-sqlite3", "node-pty"];
export const COORDINATOR_NATIVE = ["better-sqlite3"];

export interface ProgramOptions {
  /** Version and release keys, where they are not the checkout's. */
  readonly define?: Readonly<Record<string, unknown>>;
  /** Without the native packages, which are an architecture's. */
  readonly native?: false;
}

/** The agent's program in a folder, as it is shipped; for this machine's architecture. */
export async function buildAgent(folder = join(ROOT, "dist/agent"), { define = {}, native }: ProgramOptions = {}) {
  const packages = native === false ? [] : AGENT_NATIVE;
  return bundle({ entries: agentEntries, folder, from: "agent", native: packages, define });
}

/** The coordinator's, likewise. */
export async function buildCoordinator(
  folder = join(ROOT, "dist/coordinator"),
  { define = {}, native }: ProgramOptions = {},
) {
  const entries = { fettle: "coordinator/src/cli/main.ts" };
  const packages = native === false ? [] : COORDINATOR_NATIVE;
  return bundle({ entries, folder, from: "coordinator", native: packages, names: false, define });
}
