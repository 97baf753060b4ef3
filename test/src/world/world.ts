import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@fettle/coordinator/cli/client.ts";
import { type NodeView, nodesRoute } from "@fettle/shared/api/nodes.ts";
import { type ResourceView, resourceRoute, resourcesRoute } from "@fettle/shared/api/resources.ts";
import type { RouteContract } from "@fettle/shared/api/route.ts";
import { type RunView, runsRoute } from "@fettle/shared/api/runs.ts";
import { type Status, statusRoute } from "@fettle/shared/api/status.ts";
import type { Test } from "tap";
import type { NodeName } from "../sandbox/layout.ts";
import { endLeftovers } from "../sandbox/leftovers.ts";
import { buildPrograms } from "../sandbox/programs.ts";
import { Sandbox, type SandboxOptions } from "../sandbox/sandbox.ts";
import { until } from "../sandbox/until.ts";

const CONVERGE_MS = 60_000;
/** Below the test runner's, so that what is left can be ended here. */
const FILE_MS = 220_000;

/** A sandbox in a test: what its operator sees of it, and no trace of it afterwards. */
export class World {
  readonly sandbox: Sandbox;
  readonly client: Client;

  /** `coordinator` is the folder of the one that is asked. */
  constructor(sandbox: Sandbox, coordinator = "coordinator") {
    const path = join(sandbox.layout.folder, coordinator, "run/admin.sock");
    this.sandbox = sandbox;
    this.client = new Client(() => ({ kind: "socket", path }), new AbortController().signal);
  }

  status(): Promise<Status> {
    return this.client.call(statusRoute, { query: {} });
  }

  async node(name: NodeName): Promise<NodeView> {
    const { nodes } = await this.client.call(nodesRoute, { query: {} });
    const found = nodes.find(({ node }) => node === name);
    if (found === undefined) throw new Error(`the coordinator does not know ${name}`);
    return found;
  }

  async resource(node: NodeName, id: string): Promise<ResourceView> {
    return (await this.client.call(resourceRoute, { params: { node }, query: { id } })).resource;
  }

  async resources(node?: NodeName): Promise<ResourceView[]> {
    return (await this.client.call(resourcesRoute, { query: node === undefined ? {} : { node } })).resources;
  }

  async runs(node?: NodeName): Promise<RunView[]> {
    const query = node === undefined ? { limit: 1000 } : { node, limit: 1000 };
    return (await this.client.call(runsRoute, { query })).runs;
  }

  /** Until everything is in sync, and said by connected agents. */
  async inSync(limitMs = CONVERGE_MS): Promise<Status> {
    return await this.until("everything is in sync", limitMs, async () => {
      const status = await this.status();
      const live = status.nodes.every(({ connection, behind }) => connection === "connected" && !behind);
      return status.word === "in-sync" && live ? status : false;
    });
  }

  /** Until this resource is said to be so. */
  async says(node: NodeName, id: string, state: string, limitMs = 20_000): Promise<ResourceView> {
    return await this.until(`${node}/${id} is ${state}`, limitMs, async () => {
      const found = await this.resource(node, id);
      return found.state === state ? found : false;
    });
  }

  /** As `until`, with how everything stands when the time is over. */
  async until<T>(what: string, limitMs: number, ask: () => Promise<T | false>): Promise<T> {
    try {
      return await until(what, limitMs, ask);
    } catch (error) {
      throw new Error(`${String(error)}\n${await this.told()}`);
    }
  }

  /** What the coordinator says of every resource that is not in sync. */
  async told(): Promise<string> {
    const all = await this.resources().catch((error: unknown) => [{ node: "?", id: String(error), state: "?" }]);
    return all
      .filter(({ state }) => state !== "in-sync")
      .map(({ node, id, state, ...rest }) => `${node}/${id} ${state} ${"text" in rest ? rest.text : ""}`)
      .join("\n");
  }

  /** The codes of a call that must be refused. */
  async refusal<C extends RouteContract>(contract: C, input: Parameters<Client["call"]>[1]): Promise<string> {
    try {
      await this.client.call(contract, input as never);
      return "none";
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  }
}

export interface WorldOptions extends SandboxOptions {
  /** Before anything of it runs. */
  readonly prepare?: (sandbox: Sandbox) => void;
  /** Laid over an agent's environment in its first life. */
  readonly agents?: Partial<Record<NodeName, Readonly<Record<string, string>>>>;
}

/** Builds the programs and starts a sandbox of them; both are gone when the test ends, however it ends. */
export async function startWorld(t: Test, { prepare, agents, ...options }: WorldOptions = {}): Promise<World> {
  t.setTimeout(FILE_MS);
  const programs = mkdtempSync(join(tmpdir(), "fettle-programs-"));
  const sandbox = new Sandbox(await buildPrograms(programs), { gitlabPollSeconds: 2, ...options });
  const children = [
    ...Object.values(sandbox.agents),
    ...Object.values(sandbox.machines),
    sandbox.coordinator,
    sandbox.registry,
  ];
  const remove = (folder: string) => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  process.once("exit", () => {
    for (const child of children) child.signal("SIGKILL");
    endLeftovers(sandbox.layout.folder);
    for (const folder of [programs, sandbox.layout.folder]) remove(folder);
  });
  t.teardown(async () => {
    await sandbox.stop();
    remove(programs);
  });
  prepare?.(sandbox);
  await sandbox.start(agents);
  return new World(sandbox);
}
