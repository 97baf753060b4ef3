import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enrol } from "@fettle/agent/link/enrol.ts";
import { init } from "@fettle/coordinator/admin/init.ts";
import { registerRoutes } from "@fettle/coordinator/api/register.ts";
import { systemClock } from "@fettle/coordinator/clock.ts";
import type { Config } from "@fettle/coordinator/config.ts";
import { type Context, createContext } from "@fettle/coordinator/context.ts";
import { openCoordinator } from "@fettle/coordinator/coordinator.ts";
import type { EnrolAnswer } from "@fettle/shared/api/enrol.ts";
import type { FettleError } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import { pino } from "pino";
import t, { type Test } from "tap";
import { AgentSide, desiredOf, runRecord } from "./agent-side.ts";
import { until } from "./scene.ts";

const HOST = "127.77.0.2";

interface Running {
  readonly context: Context;
  readonly api: number;
  readonly agents: number;
  stop(): Promise<void>;
}

async function start(config: Config): Promise<Running> {
  const context = await createContext({ config, clock: systemClock, logger: pino({ level: "silent" }) });
  const coordinator = await openCoordinator(context, registerRoutes);
  const end = new AbortController();
  const ran = coordinator.run(end.signal);
  const stop = async (): Promise<void> => {
    end.abort();
    await ran;
  };
  return { context, api: coordinator.apiPort, agents: coordinator.agentPort, stop };
}

async function configOf(t: Test): Promise<Config> {
  const folder = await mkdtemp(join(tmpdir(), "fettle-pair-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const paths = { data: join(folder, "data"), config: join(folder, "etc"), run: join(folder, "run") };
  const address = { host: HOST, port: 0 };
  return { paths, share: folder, api: address, agents: address, names: [], logLevel: "silent" };
}

/** What the agent keeps on disk, in memory. */
function keeper() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = new Secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  const saved: EnrolAnswer[] = [];
  const save = async (answer: EnrolAnswer) => void saved.push(answer);
  return { key: async () => key, load: async () => null, save, saved, secret: key };
}

t.test("the agent's link and the coordinator's hub: enrol, serve, records, a question, a restart", async (t) => {
  const config = await configOf(t);
  await init(config.paths, systemClock);
  const first = await start(config);
  const minted = await first.context.pki.mint({ stack: "duo", node: "ollama-1", roles: ["ollama"], by: "test" });
  const mine = keeper();
  const address = { host: HOST, apiPort: first.api, agentPort: first.agents };
  const ask = { coordinators: [address], token: minted.token, machineId: "m", version: "0.1.0" };
  const answer = await enrol({ ...ask, identity: mine });
  t.match(answer, { node: "ollama-1", agentPort: first.agents });
  t.same(await enrol({ ...ask, identity: mine }), answer, "a crash before saving gets the same answer");
  const other = await enrol({ ...ask, identity: keeper() }).catch((error: FettleError) => error.code);
  t.match(other, /^identity\./, "another key is refused");
  const identity = { ...answer, key: mine.secret, expiresAt: Date.now() + 86_400_000 };
  const agent = new AgentSide([address], identity);
  t.teardown(() => agent.stop());
  const { hub, store } = first.context;
  await until(() => hub.connected("ollama-1"));
  hub.send("ollama-1", desiredOf(1, { ollama: { generation: 1 } }, 1));
  await until(() => agent.taken.length === 1);
  t.match(agent.fence, { epoch: 1, incarnation: first.context.meta.incarnation });
  const run = runRecord();
  agent.runs.push(run);
  agent.audit.push({ id: "0190f000-0000-7000-8000-0000000000aa", at: 1, who: "root", what: "pause" });
  agent.chunks.push({ runId: run.id, seq: 0, at: 1, data: "hello\n" });
  agent.link.recordsChanged();
  await until(() => agent.runs.length + agent.audit.length + agent.chunks.length === 0);
  t.match(await store.runs.get(run.id), { node: "ollama-1", outcome: "repaired" });
  t.match(await store.logs.ofRun(run.id, -1, 5), [{ data: "hello\n" }]);
  const probe = { kind: "probe", params: { host: "127.0.0.1", port: 1 } } as const;
  t.same(await hub.ask("ollama-1", probe), { fine: true });
  await first.stop();
  const again = { host: HOST, port: first.agents };
  const second = await start({ ...config, agents: again });
  t.teardown(() => second.stop());
  await until(() => second.context.hub.connected("ollama-1"));
  t.match(await second.context.store.runs.get(run.id), { node: "ollama-1" });
  await second.context.pki.revoke("ollama-1");
  second.context.hub.cut("ollama-1", "link.removed");
  const refused = async (): Promise<boolean> =>
    (await second.context.store.events.list({ limit: 5 })).some(({ code }) => code === "identity.revoked");
  while (!(await refused())) await systemClock.sleep(10);
  t.notOk(second.context.hub.connected("ollama-1"), "a revoked agent does not come back");
});
