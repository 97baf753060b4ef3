import t from "tap";
import { DRIVER, gpu, ID, NAME, type Options, T4, withCard, world } from "./memory-world.ts";

t.test("a model is loaded for good, and again after the server was started anew", async (t) => {
  const { machine, agent, loaded } = await world(t);
  await agent.converged();
  t.match(await loaded(), [{ name: NAME, expires_at: /^2[1-9]|^[3-9]/ }], "centuries from now");
  t.same(agent.runs(DRIVER), []);
  const [first] = await loaded();
  for (let pass = 0; pass < 3; pass += 1) await agent.until(ID, "in-sync");
  t.equal(agent.runs(ID).length, 1);
  t.same((await loaded())[0], first, "looking changes nothing");
  await machine.host.units.restart("ollama.service");
  await machine.answers();
  await agent.until(ID, () => agent.runs(ID).length === 2);
  await agent.converged();
  t.match(await loaded(), [{ name: NAME }]);
});

interface Held extends Options {
  readonly name: string;
  readonly state?: string;
  readonly code: string;
  readonly reason?: RegExp;
}

const held: Held[] = [
  {
    name: "too little of it is on the GPU",
    wanted: gpu,
    before: withCard,
    ollama: { gpu: T4, sizeVramShare: 0.5 },
    code: "ollama.warm.gpu-share",
    reason: /Only (49|50) % .* 80 %/,
  },
  {
    name: "its context is smaller than declared",
    env: { OLLAMA_CONTEXT_LENGTH: "16384" },
    ollama: { contextLength: 4096 },
    code: "ollama.warm.context",
    reason: /4096 tokens, and 16384/,
  },
  {
    name: "it cannot be loaded",
    ollama: { loadFails: "llama-server process has terminated: signal: killed" },
    state: "failed",
    code: "agent.failed-backoff",
  },
];

for (const { name, state = "blocked", code, reason, ...options } of held)
  t.test(`${state}: ${name}`, async (t) => {
    const { agent, loaded } = await world(t, options);
    const now = await agent.until(ID, code);
    t.equal(now.state, state);
    if (reason) t.match(now.reason, reason);
    if (state === "blocked") t.equal((await loaded()).length, 1, "it is never unloaded for that");
    else t.match(agent.runs(ID).at(-1), { code: "ollama.warm.load-failed", reason: /signal: killed/ });
  });
