import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeClients } from "@fettle/agent/clients/clients.ts";
import { resourcesOf } from "@fettle/agent/playbooks/playbooks.ts";
import { type Core, makeCore } from "@fettle/agent/reconcile/core.ts";
import type { Resource } from "@fettle/agent/resources/resource.ts";
import { openStore, type Store } from "@fettle/agent/store/store.ts";
import type { Host } from "@fettle/agent/system/host.ts";
import { type Desired, desired as desiredSchema } from "@fettle/shared/protocol/desired.ts";
import { pino } from "pino";
import { inSync } from "../sandbox/check.ts";
import { makeSandboxHost, type SandboxMachine } from "../sandbox/host/sandbox-host.ts";
import { NODES, type NodeName } from "../sandbox/layout.ts";
import { buildPrograms } from "../sandbox/programs.ts";
import { Sandbox } from "../sandbox/sandbox.ts";
import { table } from "./statistics.ts";

export interface NoopRow {
  readonly role: string;
  readonly resources: number;
  readonly passes: number;
  /** Ms of CPU of this process per pass as a sweep makes it. */
  readonly sweepMs: number;
  /** The same with everything that has a pace of its own (60 s and longer), as if it were all due at once. */
  readonly allMs: number;
  readonly applies: number;
}

/** What a pass may cost. */
const BAR_MS = 20;
const STEP_MS = 1;
const PASS_MS = 30_000;

/** CPU of a pass over a role that is in sync: every resource looked at and decided about, by the real loop, here. */
export async function noopBench(passes: number, say: (line: string) => void): Promise<NoopRow[]> {
  const sandbox = new Sandbox(await buildPrograms(), { gitlabPollSeconds: 60 });
  try {
    await sandbox.start();
    await inSync(sandbox);
    const rows: NoopRow[] = [];
    for (const node of NODES) {
      await sandbox.agents[node].stop();
      rows.push(await measure(sandbox, node, passes));
      say(`${node}: ${rows.at(-1)?.sweepMs.toFixed(2)} ms`);
    }
    return rows;
  } finally {
    await sandbox.stop();
  }
}

async function measure(sandbox: Sandbox, node: NodeName, passes: number): Promise<NoopRow> {
  const host = hostOf(sandbox, node);
  const state = join(sandbox.rootOf(node), "var/lib/fettle-agent");
  const desired = desiredSchema.parse(JSON.parse(readFileSync(join(state, "desired.json"), "utf8")));
  const store = openStore(join(state, "journal.db"));
  const core = coreOn(host, store);
  const looks = new Looks(resourcesHere(desired));
  const ended = new AbortController();
  core.loop.set({ ...desired, resources: looks.resources, refusals: new Map() });
  const running = core.loop.run(ended.signal);
  const before = store.runs.recent(1)[0]?.id;
  try {
    await looks.all(looks.ids);
    const sweepMs = await cpuOf(passes, core, looks, looks.paceless);
    const allMs = await cpuOf(passes, core, looks, looks.ids);
    assertInSync(core);
    const applies = store.runs.recent(1)[0]?.id === before ? 0 : 1;
    return { role: Object.keys(desired.roles).join(), resources: looks.ids.length, passes, sweepMs, allMs, applies };
  } finally {
    ended.abort();
    await running;
    store.close();
  }
}

/** Ms of CPU of this process per pass over these. */
async function cpuOf(passes: number, { loop }: Core, looks: Looks, ids: readonly string[]): Promise<number> {
  const from = process.cpuUsage();
  for (let pass = 0; pass < passes; pass += 1) {
    loop.wake("sweep", ids);
    await looks.all(ids);
  }
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1_000 / passes;
}

function hostOf(sandbox: Sandbox, node: NodeName): Host {
  const path = join(sandbox.layout.folder, node, "sandbox.json");
  return makeSandboxHost(JSON.parse(readFileSync(path, "utf8")) as SandboxMachine);
}

function coreOn(host: Host, store: Store): Core {
  const logger = pino({ level: "silent" });
  const nothing = () => undefined;
  const reported = { cut: (text: string) => text, onChange: nothing, onOwed: nothing };
  return makeCore({
    host,
    clients: makeClients(host),
    store,
    logger,
    gpuShare: () => null,
    awayMs: () => 0,
    ...reported,
  });
}

function resourcesHere({ roles }: Desired): Resource[] {
  return resourcesOf(roles, { gitlabPollMs: 60_000, remember: () => undefined, ollamaArchive: () => null });
}

function assertInSync({ loop }: Core): void {
  const others = loop.resources().filter(({ state }) => state !== "in-sync");
  if (others.length > 0) throw new Error(`not in sync: ${others.map(({ id, state }) => `${id} ${state}`).join(", ")}`);
}

/** Knows when every resource was looked at once more. */
class Looks {
  readonly resources: readonly Resource[];
  readonly ids: readonly string[];
  /** What every sweep looks at. */
  readonly paceless: readonly string[];
  readonly #seen = new Set<string>();

  constructor(resources: readonly Resource[]) {
    this.ids = resources.map(({ id }) => id);
    this.paceless = resources.filter(({ everyMs }) => everyMs === 0).map(({ id }) => id);
    this.resources = resources.map((one) => ({ ...one, observe: (ctx, signal) => this.#watched(one, ctx, signal) }));
  }

  /** Resolves when all of these were looked at since the last time, and what was found is decided. */
  async all(ids: readonly string[]): Promise<void> {
    for (const end = performance.now() + PASS_MS; !ids.every((id) => this.#seen.has(id)); ) {
      if (performance.now() > end) throw new Error("a pass does not end");
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
    this.#seen.clear();
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #watched(one: Resource, ...[ctx, signal]: Parameters<Resource["observe"]>): Promise<unknown> {
    try {
      return await one.observe(ctx, signal);
    } finally {
      this.#seen.add(one.id);
    }
  }
}

export function noopTable(rows: readonly NoopRow[]): string {
  const ms = (value: number) => `${value.toFixed(2)} ms`;
  const lines = rows.map(({ role, resources, passes, sweepMs, allMs, applies }) => {
    const held = sweepMs <= BAR_MS ? "held" : "missed";
    return [role, `${resources}`, `${passes}`, ms(sweepMs), held, ms(allMs), `${applies}`];
  });
  const head = ["role", "resources", "passes", "CPU of a sweep", `bar ${BAR_MS} ms`, "of all at once", "applies"];
  return `${table([head, ...lines])}\nper pass, of the agent's process, on the sandbox's host`;
}
