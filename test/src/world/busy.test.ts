import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import t from "tap";
import { stackText } from "../sandbox/stack-text.ts";
import { setFaults } from "../stand-ins/control.ts";
import { startWorld, type World } from "./world.ts";

const DRAIN_S = 4;
const SERVICE = "ollama.service";

const world = await startWorld(t, { drain: `${DRAIN_S}s`, contention: "off" });
const { sandbox } = world;
const control = join(sandbox.layout.folder, "ollama-1/ollama.sock");
await world.inSync();

/** An answer that somebody elsewhere is reading. */
interface Reader {
  readonly text: () => string;
  readonly ended: Promise<"whole" | "cut">;
}

async function readAnswer(port: number): Promise<Reader> {
  const body = JSON.stringify({
    model: "mistral:instruct",
    stream: true,
    messages: [{ role: "user", content: "hello" }],
  });
  const sent: ClientRequest = request({
    host: sandbox.layout.addresses["ollama-1"],
    port,
    method: "POST",
    path: "/v1/chat/completions",
    agent: false,
  });
  sent.end(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  answer.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  const closed = new Promise<void>((resolve) => {
    answer.on("error", () => undefined);
    answer.once("close", resolve);
  });
  return { text: () => text, ended: closed.then(() => (text.includes("[DONE]") ? "whole" : "cut")) };
}

async function apply(change: (text: string) => string): Promise<void> {
  await sandbox.apply(change(stackText(sandbox.layout, { mode: "enforce", drain: `${DRAIN_S}s`, contention: "off" })));
}

async function waitsForUsers(world: World): Promise<void> {
  await world.until("the restart waits for users", 15_000, async () => {
    return (await world.resource("ollama-1", SERVICE)).code === "agent.busy";
  });
}

const parallel = (text: string) =>
  text.replace('OLLAMA_NO_CLOUD: "1"', 'OLLAMA_NO_CLOUD: "1", OLLAMA_NUM_PARALLEL: "2"');
const otherPort = (text: string) =>
  parallel(text).replace("listen: private", `listen: "${sandbox.layout.addresses["ollama-1"]}:11435"`);

t.test("a change that breaks nothing waits past drain, and no answer is cut", async (t) => {
  await setFaults(control, { busy: true });
  const reader = await readAnswer(11434);
  await apply(parallel);
  await waitsForUsers(world);
  const waitedFrom = Date.now();
  await world.until("drain is over", 20_000, async () => Date.now() - waitedFrom > (DRAIN_S + 2) * 1_000);
  t.equal((await world.resource("ollama-1", SERVICE)).code, "agent.busy", "it still waits");
  await setFaults(control, {});
  t.equal(await reader.ended, "whole", "the answer came to its end");
  await world.inSync();
  t.match(
    (await world.runs("ollama-1")).find(({ resource }) => resource === SERVICE),
    { outcome: "repaired" },
  );
});

t.test("a breaking one cuts nobody within drain, and is repaired after it", async (t) => {
  await setFaults(control, { busy: true });
  const reader = await readAnswer(11434);
  await apply(otherPort);
  await waitsForUsers(world);
  const waitedFrom = Date.now();
  t.equal(await reader.ended, "cut", "after drain it is repaired all the same");
  t.ok(Date.now() - waitedFrom > (DRAIN_S - 1.5) * 1_000, `${Date.now() - waitedFrom} ms`);
  await setFaults(control, {});
  await world.says("ollama-1", "ollama.listening", "in-sync");
});
