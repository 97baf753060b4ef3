import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildCoordinator } from "../../../scripts/build.ts";
import { bundle, ROOT } from "../../../scripts/bundle.ts";
import { bundleGitlab } from "../stand-ins/gitlab/bundle.ts";

/** Every program that a sandbox runs, bundled: the coordinator as it is shipped, the agent from the sandbox's entry. */
export interface Programs {
  readonly coordinator: string;
  readonly agent: string;
  readonly machine: string;
  readonly registry: string;
  readonly gateway: string;
  readonly engine: string;
  readonly curl: string;
  readonly gitlab: string;
  readonly rails: string;
}

export const SANDBOX_AGENT_ENTRIES = {
  "fettle-agent": "test/src/sandbox/agent/main.ts",
  unpack: "agent/src/system/programs/unpack.ts",
};

export async function buildPrograms(folder = join(ROOT, "dist")): Promise<Programs> {
  const agent = join(folder, "sandbox/agent");
  const stand = join(folder, "sandbox/stand-ins");
  const entries = {
    machine: "test/src/sandbox/machine/main.ts",
    registry: "test/src/stand-ins/registry/main.ts",
    gateway: "test/src/stand-ins/gateway/main.ts",
    engine: "test/src/stand-ins/engine/main.ts",
    curl: "test/src/stand-ins/engine/curl.ts",
  };
  const coordinator = join(folder, "coordinator");
  const [gitlab] = await Promise.all([
    bundleGitlab(join(folder, "sandbox/gitlab")),
    buildCoordinator(coordinator),
    bundle({ entries: SANDBOX_AGENT_ENTRIES, folder: agent, from: "agent", native: ["better-sqlite3", "node-pty"] }),
    bundle({ entries, folder: stand, from: "test" }),
  ]);
  const programs = {
    coordinator: join(coordinator, "fettle.mjs"),
    agent: join(agent, "fettle-agent.mjs"),
    machine: join(stand, "machine.mjs"),
    registry: join(stand, "registry.mjs"),
    gateway: join(stand, "gateway.mjs"),
    engine: join(stand, "engine.mjs"),
    curl: join(stand, "curl.mjs"),
    gitlab: gitlab.main,
    rails: gitlab.rails,
  };
  for (const path of Object.values(programs)) if (!existsSync(path)) throw new Error(`the build did not make ${path}`);
  return programs;
}
