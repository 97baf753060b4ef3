import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { dropIn } from "@fettle/agent/resources/ollama/drop-in.ts";
import { type FindArchive, install } from "@fettle/agent/resources/ollama/install.ts";
import { listening } from "@fettle/agent/resources/ollama/listening.ts";
import { service } from "@fettle/agent/resources/ollama/service.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import t from "tap";
import { startAgent } from "../agent.ts";
import { Machine } from "./machine.ts";

const STORE = "usr/local/lib/fettle-ollama";

function resources(params: OllamaParams, archive: FindArchive) {
  return [install(params, archive), dropIn(params), service(params), listening(params)];
}

t.test("from an empty machine to a running Ollama", async (t) => {
  const machine = await Machine.start(t);
  const archive = await machine.release("0.32.15");
  const agent = startAgent(machine.host);
  t.teardown(() => agent.stop());
  agent.set(resources(machine.params(), () => archive));
  await agent.converged(8_000).catch((e) => {
    console.error(e.message, machine.manager.journal("ollama.service", 30), machine.manager.show("ollama.service"));
    throw e;
  });
  t.equal(await machine.version(), "0.32.15");
  t.same(
    agent.runs().map((run) => [run.resource, run.outcome]),
    [],
  );
});
