import { join } from "node:path";
import { Client } from "@fettle/coordinator/cli/client.ts";
import { type ResourceView, resourcesRoute } from "@fettle/shared/api/resources.ts";
import type { RunView } from "@fettle/shared/api/runs.ts";
import { runsRoute } from "@fettle/shared/api/runs.ts";
import { type Status, statusRoute } from "@fettle/shared/api/status.ts";
import type { Sandbox } from "./sandbox.ts";

/** What the coordinator says, over its API. */
export class Observer {
  readonly #client: Client;

  constructor(sandbox: Sandbox, signal: AbortSignal = new AbortController().signal) {
    const path = join(sandbox.layout.folder, "coordinator/run/admin.sock");
    this.#client = new Client(() => ({ kind: "socket", path }), signal);
  }

  status(): Promise<Status> {
    return this.#client.call(statusRoute, { query: {} });
  }

  async resources(): Promise<ResourceView[]> {
    return (await this.#client.call(resourcesRoute, { query: {} })).resources;
  }

  async runs(node: string): Promise<RunView[]> {
    return (await this.#client.call(runsRoute, { query: { node, limit: 100 } })).runs;
  }
}
