import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { MAX_RUN_LOG_CHARS } from "./logs.ts";
import type { NewRun } from "./runs.ts";
import { openStore } from "./store.ts";

const run = (id: string, startedAt: number): NewRun => ({
  id,
  passId: "00000000-0000-7000-8000-000000000000",
  epoch: 1,
  generation: 2,
  resource: "ollama.drop-in",
  resourceHash: "a".repeat(64),
  cause: "event",
  changes: [{ what: "OLLAMA_HOST", from: null, to: "172.31.11.27:11434" }],
  startedAt,
  approvals: [],
});

t.test("a run is owed from its end until it is acknowledged", async (t) => {
  const store = openStore(":memory:");
  store.runs.intend(run("r1", 1));
  t.same(store.runs.owed(10), [], "an unfinished run is not owed");
  t.equal(store.runs.unfinished()[0]?.phase, "intended");
  store.runs.phase("r1", "applying");
  store.runs.acknowledge(["r1"]);
  store.runs.end("r1", { outcome: "repaired", code: null, reason: null, endedAt: 5 });
  t.match(store.runs.owed(10), [{ id: "r1", outcome: "repaired", phase: "done", endedAt: 5 }]);
  store.runs.acknowledge(["r1"]);
  t.same(store.runs.owed(10), []);
});

t.test("an intention and the approvals it uses up are written together, or not at all", async (t) => {
  const store = openStore(":memory:");
  store.runs.intend({ ...run("r1", 1), approvals: ["yes"] });
  t.equal(store.runs.usedApproval("ollama.drop-in", "yes"), true);
  t.throws(() => store.runs.intend({ ...run("r1", 1), approvals: ["again"] }), "an id is there once");
  t.equal(store.runs.usedApproval("ollama.drop-in", "again"), false);
});

t.test("the journal is there after the agent was killed", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fettle-store-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const first = openStore(join(folder, "journal.db"));
  first.runs.intend(run("r1", 1));
  first.kept.set("gitlab.model[mistral]", "id", "gid://gitlab/Ai::SelfHostedModel/1");
  first.retries.set("ollama.service", "h1", { failures: 3, nextAt: 99 });
  const second = openStore(join(folder, "journal.db"));
  t.equal(second.runs.unfinished().length, 1);
  t.equal(second.kept.get("gitlab.model[mistral]", "id"), "gid://gitlab/Ai::SelfHostedModel/1");
  t.same(second.retries.get("ollama.service", "h1"), { failures: 3, nextAt: 99 });
  t.equal(second.retries.get("ollama.service", "h2"), null, "another hash starts anew");
  first.close();
  second.close();
});

t.test("a log over 4 MiB keeps its first and last part and marks the gap once", async (t) => {
  const store = openStore(":memory:");
  store.runs.intend(run("r1", 1));
  for (let index = 0; index < 100; index += 1) store.logs.append("r1", index, `${index}:`.padEnd(60_000, "x"));
  const chunks = store.logs.of("r1");
  const text = chunks.map((chunk) => chunk.data).join("");
  t.ok(text.length <= MAX_RUN_LOG_CHARS);
  t.ok(text.startsWith("0:"));
  t.ok(chunks.at(-1)?.data.startsWith("99:"));
  t.equal(text.split("left out").length - 1, 1);
});

t.test("what is owed of a log comes in its order, also when the clock was set back", async (t) => {
  const store = openStore(":memory:");
  for (const at of [300, 100, 200]) store.logs.append("r1", at, `${at}`);
  const sent: string[] = [];
  for (let chunk = store.logs.owed(1)[0]; chunk; chunk = store.logs.owed(1)[0]) {
    sent.push(chunk.data);
    store.logs.acknowledge(chunk.runId, chunk.seq);
  }
  t.same(sent, ["300", "100", "200"]);
});

t.test("pruning drops acknowledged runs, then logs, and never a run that is owed", async (t) => {
  const store = openStore(":memory:");
  for (const id of ["acked", "owed"]) {
    store.runs.intend(run(id, 1));
    store.runs.end(id, { outcome: "repaired", code: null, reason: null, endedAt: 2 });
    store.logs.append(id, 1, "x".repeat(60_000));
  }
  store.runs.acknowledge(["acked"]);
  store.logs.acknowledge("acked", 0);
  store.prune(0);
  t.same(
    store.runs.recent(10).map((item) => item.id),
    ["owed"],
  );
  t.same(store.logs.owed(10), []);
});

t.test("a pause with an end is over at its end; contention counts by value and time", async (t) => {
  const store = openStore(":memory:");
  store.pauses.set({ scope: "ollama", reason: "tests", until: 100, at: 1 });
  t.equal(store.pauses.all(99).length, 1);
  t.equal(store.pauses.all(100).length, 0);
  for (const at of [10, 20, 30]) store.repairs.add("ollama.drop-in", "v1", at);
  t.equal(store.repairs.count("ollama.drop-in", "v1", { from: 20, to: 30 }), 2);
  t.equal(
    store.repairs.count("ollama.drop-in", "v1", { from: 0, to: 25 }),
    2,
    "what seems to lie ahead does not count",
  );
  t.equal(store.repairs.count("ollama.drop-in", "v2", { from: 0, to: 30 }), 0);
});
