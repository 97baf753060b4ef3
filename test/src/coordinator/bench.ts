import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registerRoutes } from "@fettle/coordinator/api/register.ts";
import type { Context } from "@fettle/coordinator/context.ts";
import { givenUpdate } from "@fettle/coordinator/hub/given-update.ts";
import type { Connection, Hub } from "@fettle/coordinator/hub/hub.ts";
import { EventFeed } from "@fettle/coordinator/ingest/event-feed.ts";
import { Mirror } from "@fettle/coordinator/mirror/mirror.ts";
import type { Release } from "@fettle/coordinator/mirror/releases.ts";
import { DAY_MS } from "@fettle/coordinator/pki/authority.ts";
import type { MintRequest, Pki } from "@fettle/coordinator/pki/pki.ts";
import type { Rotation } from "@fettle/coordinator/pki/rotation.ts";
import { createReconciler } from "@fettle/coordinator/reconciler/loop.ts";
import { openStore } from "@fettle/coordinator/store/store.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import Fastify, { type FastifyInstance } from "fastify";
import pino from "pino";
import { FakeClock, settle } from "../fakes/clock.ts";

export const EXAMPLE = readFileSync(new URL("../../../shared/src/stack/example.yaml", import.meta.url), "utf8");

type Question = Parameters<Hub["ask"]>[1];

/** Who is connected is what the test says; what is sent is kept. */
export class FakeHub implements Pick<Hub, "send" | "ask" | "connected" | "connection" | "connections" | "cut"> {
  readonly live = new Map<string, Connection>();
  readonly sent = new Map<string, Desired[]>();
  answer: (node: string, question: Question) => unknown = () => ({ resources: [] });
  readonly cuts: string[] = [];
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  send(node: string, desired: Desired): boolean {
    const before = this.last(node);
    if (JSON.stringify(before) === JSON.stringify(desired)) return this.connected(node);
    this.sent.set(node, [...(this.sent.get(node) ?? []), desired]);
    return this.connected(node);
  }

  last(node: string): Desired | undefined {
    return this.sent.get(node)?.at(-1);
  }

  async ask(node: string, question: Question): Promise<unknown> {
    return this.answer(node, question);
  }

  connected(node: string): boolean {
    return this.live.has(node);
  }

  connection(node: string): Connection | undefined {
    const found = this.live.get(node);
    const last = this.last(node);
    const given = last === undefined ? null : givenUpdate(last);
    return found === undefined ? undefined : { ...found, seenAt: this.#clock.now(), givenUpdate: given };
  }

  connections(): Connection[] {
    return [...this.live.values()];
  }

  cut(node: string, code: string): void {
    this.cuts.push(`${node} ${code}`);
    this.live.delete(node);
  }
}

export interface Bench {
  readonly context: Context;
  readonly hub: FakeHub;
  readonly clock: FakeClock;
  /** Not listening: requests by inject need a token. */
  readonly app: FastifyInstance;
  /** The agent's releases that the coordinator has; a test puts them in. */
  readonly releases: Release[];
  connect(node: string): Promise<void>;
  /** The node's agent takes over what it was sent last and says this of its resources. */
  report(node: string, resources: readonly Partial<ResourceReport>[], more?: Partial<Report>): Promise<void>;
  /** Until the reconciler has nothing left to do. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** A coordinator without its sockets: real store, reconciler and API; hub and CA by hand, a clock that the test moves. */
export async function makeBench(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "fettle-bench-"));
  const clock = new FakeClock();
  const logger = pino({ level: "silent" });
  const store = await openStore(join(folder, "fettle.db"));
  await store.meta.create({ coordinatorId: "test", epoch: 1, incarnation: "a", createdAt: clock.now() });
  const meta = must(await store.meta.read(), "meta");
  const hub = new FakeHub(clock);
  const asHub = hub as unknown as Hub;
  const events = await EventFeed.open(store, clock);
  const releases: Release[] = [];
  const mirror = await Mirror.open({ data: folder, clock });
  const roots = { roots: [], isGoing: () => false };
  const kept = { store, meta, events, mirror };
  const parts = { clock, logger, hub: asHub, pki: roots, ...kept, releases: async () => releases };
  const reconciler = createReconciler(parts);
  const config = { names: [], api: { host: "172.31.11.1", port: 7443 } };
  const context = {
    ...parts,
    releaseFolders: ["/releases"],
    reconciler,
    pki: fakePki(clock.now()),
    rotation: fakeRotation(),
    config,
  } as unknown as Context;
  const app = Fastify();
  registerRoutes(app, context);
  const end = new AbortController();
  const running = reconciler.run(end.signal);
  const bench: Bench = {
    context,
    hub,
    clock,
    app,
    releases,
    drain: async () => {
      for (let turn = 0; turn < 20; turn += 1) await settle();
    },
    connect: (node) => connect(bench, node),
    report: (node, resources, more) => report(bench, node, resources, more),
    stop: async () => {
      end.abort();
      await running;
      await app.close();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
  return bench;
}

const FAKE_PIN = `sha256//${"A".repeat(43)}=`;

function fakePki(now: number): Pki {
  const mint = async ({ node }: MintRequest) => ({
    token: new Secret(`fettle1.token-of-${node}`),
    id: "t1",
    expiresAt: 1,
  });
  const active = { rootHash: "a".repeat(64), rootNotAfter: now + 3650 * DAY_MS, notAfter: now + 1825 * DAY_MS };
  return {
    mint,
    serverPin: FAKE_PIN,
    revoke: async () => undefined,
    authorities: { active, next: null, old: null },
    server: () => ({ notAfter: 1 }),
    rootKeyHere: async () => true,
  } as unknown as Pki;
}

/** It keeps what it was asked for. */
function fakeRotation(): Pick<Rotation, "start" | "state" | "without"> {
  let left: readonly string[] = [];
  let root: string | null = null;
  return {
    start: async (without) => {
      [left, root] = [without, "b".repeat(64)];
    },
    state: async () => (root === null ? null : { phase: "distributing", root, lacking: [] }),
    without: async () => left,
  };
}

async function connect({ hub, context, clock, drain }: Bench, node: string): Promise<void> {
  const row = must(await context.store.nodes.get(node), node);
  const now = clock.now();
  await context.store.nodes.register(node, `${node}-id`, now);
  hub.live.set(node, {
    node,
    stack: row.stack,
    since: now,
    seenAt: now,
    version: "0.1.0",
    capabilities: [],
    ignoredFrames: 0,
    givenUpdate: null,
  });
  context.reconciler.touch(node);
  await drain();
}

async function report(
  { hub, context, clock, drain }: Bench,
  node: string,
  resources: readonly Partial<ResourceReport>[],
  more: Partial<Report> = {},
): Promise<void> {
  const now = clock.now();
  const held = must(hub.last(node), `desired state of ${node}`);
  const { epoch, generation, hash } = held;
  const whole: Report = {
    desired: { epoch, generation, hash, state: "accepted" },
    facts: {},
    resources: resources.map((each) => ({
      id: "ollama.host",
      hash: "a".repeat(64),
      state: "in-sync",
      since: now,
      changes: [],
      findings: [],
      ...each,
    })),
    health: null,
    ports: [],
    pauses: [],
    ...more,
  };
  const { stack } = must(await context.store.nodes.get(node), node);
  await context.store.reports.put({ node, stack, body: JSON.stringify(whole), receivedAt: now });
  await context.store.facts.merge(node, stack, whole.facts, now);
  context.reconciler.touch(node);
  await drain();
}
