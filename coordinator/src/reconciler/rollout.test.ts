import type { UpdateState, UpdateStatus } from "@fettle/shared/protocol/agent-status.ts";
import t from "tap";
import { LOST_MS, type RolloutNode, rollout } from "./rollout.ts";

const NOW = 1_700_000_000_000;
const WANTED = { version: "0.2.0", token: "t1" };
const said = (state: UpdateState, change: Partial<UpdateStatus> = {}): UpdateStatus => ({
  version: "0.2.0",
  from: "0.1.0",
  state,
  at: NOW,
  token: "t1",
  ...change,
});
const node = (name: string, change: Partial<RolloutNode> = {}): RolloutNode => ({
  node: name,
  roles: [name.split("-")[0] ?? ""],
  version: "0.1.0",
  live: true,
  seenAt: NOW,
  update: null,
  given: null,
  ...change,
});
const done = { version: "0.2.0", update: said("done") };
const away = { live: false, seenAt: NOW - 10_000 };
const rolledBack = { update: said("rolled-back", { code: "update.crashed", reason: "it ended" }) };

/** Nodes, each node's state in the order in which they come, and who is given the release now. */
const CASES: readonly [string, readonly RolloutNode[], string, string][] = [
  [
    "one first, GitLab last",
    [node("gitlab-1"), node("gateway-1"), node("ollama-1")],
    "ollama-1 queued, gateway-1 queued, gitlab-1 queued",
    "ollama-1",
  ],
  [
    "several roles count as the last",
    [node("a", { roles: ["ollama", "gitlab"] }), node("gateway-1")],
    "gateway-1 queued, a queued",
    "gateway-1",
  ],
  [
    "one that was given it and has not said so yet keeps its turn when one before it is back",
    [node("ollama-1"), node("gateway-1", { given: "t1" })],
    "ollama-1 queued, gateway-1 queued",
    "gateway-1",
  ],
  [
    "of two that began at once one goes on",
    [node("ollama-1", { update: said("fetching") }), node("gateway-1", { update: said("fetching") })],
    "ollama-1 updating, gateway-1 updating",
    "ollama-1",
  ],
  [
    "of two that began at once the one that only fetches gives way",
    [node("ollama-1", { update: said("fetching") }), node("gateway-1", { update: said("switching") })],
    "ollama-1 updating, gateway-1 updating",
    "gateway-1",
  ],
  [
    "what was given with another request is no turn",
    [node("ollama-1"), node("gateway-1", { given: "t0" })],
    "ollama-1 queued, gateway-1 queued",
    "ollama-1",
  ],
  [
    "while the first is at it nobody else is",
    [node("ollama-1", { update: said("fetching") }), node("gateway-1")],
    "ollama-1 updating, gateway-1 queued",
    "ollama-1",
  ],
  [
    "it runs, and has not proved itself",
    [node("ollama-1", { version: "0.2.0", update: said("trial") }), node("gateway-1")],
    "ollama-1 updating, gateway-1 queued",
    "ollama-1",
  ],
  [
    "in the middle of its restart",
    [node("ollama-1", { ...away, update: said("trial") }), node("gateway-1")],
    "ollama-1 updating, gateway-1 queued",
    "ollama-1",
  ],
  [
    "then the next",
    [node("ollama-1", done), node("gateway-1"), node("gitlab-1")],
    "ollama-1 done, gateway-1 queued, gitlab-1 queued",
    "gateway-1",
  ],
  [
    "one that ran it before is done",
    [node("ollama-1", { version: "0.2.0" }), node("gateway-1")],
    "ollama-1 done, gateway-1 queued",
    "gateway-1",
  ],
  [
    "halts where one was rolled back",
    [node("ollama-1", rolledBack), node("gateway-1"), node("gitlab-1", away)],
    "ollama-1 failed, gateway-1 halted, gitlab-1 halted",
    "",
  ],
  [
    "halts where one refused",
    [
      node("ollama-1", done),
      node("gateway-1", { update: said("refused", { code: "update.untrusted" }) }),
      node("gitlab-1"),
    ],
    "ollama-1 done, gateway-1 failed, gitlab-1 halted",
    "",
  ],
  [
    "what has begun goes on though another failed",
    [node("ollama-1", rolledBack), node("gateway-1", { update: said("switching") })],
    "ollama-1 failed, gateway-1 updating",
    "gateway-1",
  ],
  [
    "a failure of an earlier request is asked again",
    [node("ollama-1", { update: said("rolled-back", { token: "t0" }) })],
    "ollama-1 queued",
    "ollama-1",
  ],
  [
    "one that is away holds nobody up",
    [node("ollama-1", away), node("gateway-1")],
    "ollama-1 offline, gateway-1 queued",
    "gateway-1",
  ],
  [
    "and gets it when it is back",
    [node("ollama-1"), node("gateway-1", done)],
    "ollama-1 queued, gateway-1 done",
    "ollama-1",
  ],
  [
    "one that waits holds nobody up",
    [node("ollama-1", { update: said("waiting") }), node("gateway-1")],
    "ollama-1 waiting, gateway-1 queued",
    "gateway-1",
  ],
  [
    "those that wait have it when nobody else is left",
    [node("ollama-1", { update: said("waiting") }), node("gateway-1", done)],
    "ollama-1 waiting, gateway-1 done",
    "ollama-1",
  ],
  [
    "one that does not come back from it",
    [node("ollama-1", { live: false, seenAt: NOW - LOST_MS - 1, update: said("switching") }), node("gateway-1")],
    "ollama-1 failed, gateway-1 halted",
    "",
  ],
  [
    "one that is gone and was done",
    [node("ollama-1", { ...done, live: false }), node("gateway-1", done)],
    "ollama-1 done, gateway-1 done",
    "",
  ],
  ["one that runs something newer", [node("ollama-1", { version: "0.3.0" })], "ollama-1 done", ""],
  [
    "one that never said hello",
    [node("ollama-1", { version: null, live: false, seenAt: null })],
    "ollama-1 offline",
    "",
  ],
];

for (const [name, nodes, states, turn] of CASES)
  t.test(name, async (t) => {
    const { steps, turn: now, halted, finished } = rollout(WANTED, nodes, NOW);
    t.equal(steps.map((step) => `${step.node} ${step.state}`).join(", "), states);
    t.equal([...now].join(", "), turn);
    t.equal(halted !== null, states.includes("failed"));
    t.equal(
      finished,
      steps.every(({ state }) => state === "done"),
    );
  });

t.test("a rollout of any order of reports updates each node once, never two at a time, and ends", async (t) => {
  let nodes = ["gitlab-1", "gateway-1", "ollama-1", "ollama-2"].map((name) => node(name));
  const order: string[] = [];
  for (let step = 0; step < 30; step += 1) {
    const { turn, finished } = rollout(WANTED, nodes, NOW);
    if (finished) break;
    t.equal(turn.size, 1);
    const [next] = turn;
    nodes = nodes.map((one) => {
      if (one.node !== next) return one;
      if (one.update === null) return { ...one, update: said("fetching") };
      if (one.update.state === "fetching") return { ...one, version: "0.2.0", update: said("trial") };
      order.push(one.node);
      return { ...one, update: said("done") };
    });
  }
  t.same(order, ["ollama-1", "ollama-2", "gateway-1", "gitlab-1"]);
});
