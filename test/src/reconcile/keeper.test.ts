import { goodFacts, goodGateway, goodOllama } from "@fettle/agent/policy/good-params.ts";
import { defaultPolicy } from "@fettle/agent/policy/local-policy.ts";
import { Keeper } from "@fettle/agent/reconcile/keeper.ts";
import type { Standing } from "@fettle/agent/reconcile/standing.ts";
import { define } from "@fettle/agent/resources/define.ts";
import { openStore } from "@fettle/agent/store/store.ts";
import { hashOf } from "@fettle/shared/lib/canonical.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import { pino } from "pino";
import t from "tap";

const named = (id: string, after: string[] = []) =>
  define({ id, declared: {}, after, observe: async () => null, diff: () => ({ kind: "in-sync" }) });

const desired = (generation: number, roles: Desired["roles"] = { ollama: goodOllama }): Desired => ({
  epoch: 1,
  generation,
  hash: hashOf(roles),
  roles,
  gates: [],
  policy: { mode: "enforce", pauses: [], contention: null },
  retry: {},
  approvals: [],
});

function scene(enrolledRoles: readonly string[] | null = null) {
  const disk: { now: Desired | null; full: boolean } = { now: null, full: false };
  const playbook = { now: [named("ollama.host")] };
  const standings: Standing[] = [];
  const keeper = new Keeper({
    log: pino({ level: "silent" }),
    desired: {
      current: () => disk.now,
      save: async (next) => {
        if (disk.full) throw new Error("ENOSPC: no space left on device");
        disk.now = next;
      },
    },
    kept: openStore(":memory:").kept,
    policy: defaultPolicy,
    enrolledRoles: () => enrolledRoles,
    policyFacts: async () => goodFacts,
    resourcesOf: () => playbook.now,
    onStanding: (standing) => void standings.push(standing),
    plan: async () => ({ resources: [] }),
  });
  return { disk, playbook, standings, keeper };
}

t.test("what cannot be taken is rejected, and what was accepted before stays in force, on disk too", async (t) => {
  const { disk, playbook, standings, keeper } = scene();
  const held = () => [disk.now?.generation, standings.at(-1)?.generation];
  await keeper.accept(desired(1));
  t.match(keeper.status(), { generation: 1, state: "accepted" });
  await keeper.accept(desired(2, { vllm: {} }));
  t.match(keeper.status(), { generation: 2, state: "rejected", code: "agent.too-old", reason: /no role vllm/ });
  await keeper.accept(desired(3, { ollama: { ...goodOllama, turbo: true } }));
  t.match(keeper.status(), { generation: 3, state: "rejected", code: "agent.too-old", reason: /turbo/ });
  playbook.now = [named("ollama.a", ["ollama.b"]), named("ollama.b", ["ollama.a"])];
  await keeper.accept(desired(4));
  t.match(keeper.status(), { generation: 4, state: "rejected", reason: /comes after itself/ });
  playbook.now = [named("ollama.host")];
  disk.full = true;
  await keeper.accept(desired(5));
  t.match(keeper.status(), { generation: 5, state: "rejected", code: "agent.desired-not-kept", reason: /ENOSPC/ });
  t.same(held(), [1, 1]);
});

t.test("a review of what is in force leaves standing that the last one was rejected", async (t) => {
  const { standings, keeper } = scene();
  await keeper.accept(desired(1));
  await keeper.accept(desired(2, { vllm: {} }));
  await keeper.refresh();
  t.match(keeper.status(), { generation: 2, state: "rejected", code: "agent.too-old" });
  t.equal(standings.length, 2, "and it was reviewed");
});

t.test("after a restart the stored state is in force before the coordinator is heard of", async (t) => {
  const { disk, standings, keeper } = scene();
  disk.now = desired(7);
  await keeper.load();
  t.match(keeper.status(), { generation: 7, state: "accepted" });
  t.match(standings, [{ generation: 7, resources: [{ id: "ollama.host" }] }]);
});

t.test(
  "a role that this machine was not enrolled with is refused whole; before the enrolment nothing is",
  async (t) => {
    const roles = { ollama: goodOllama, gateway: goodGateway };
    const resources = [named("ollama.host"), named("gateway.keys"), named("gateway.image")];
    const { standings, playbook, keeper } = scene(["ollama"]);
    playbook.now = resources;
    await keeper.accept(desired(1, roles));
    t.match(keeper.status(), { state: "accepted" });
    const refused = [...(standings.at(-1)?.refusals ?? [])].map(([id, { code, args }]) => [id, code, args.role]);
    t.same(refused, [
      ["gateway.keys", "policy.role-not-enrolled", "gateway"],
      ["gateway.image", "policy.role-not-enrolled", "gateway"],
    ]);
    t.same(Object.keys(standings.at(-1)?.roles ?? {}), ["ollama"], "nothing of it is watched or probed either");
    const none = scene([]);
    none.playbook.now = resources;
    await none.keeper.accept(desired(1, roles));
    t.equal(none.standings.at(-1)?.refusals.size, 3);
    const before = scene(null);
    before.playbook.now = resources;
    await before.keeper.accept(desired(1, roles));
    t.equal(before.standings.at(-1)?.refusals.get("gateway.keys")?.code, undefined);
  },
);
