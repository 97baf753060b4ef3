import { join } from "node:path";
import type t from "tap";
import { installModel } from "../registry/install-model.ts";
import type { ModelSpec } from "../registry/models.ts";
import { type StartedOllama, startOllama } from "./start-ollama.ts";
import { type Answer, type CallOptions, call } from "./test-client.ts";

type Test = Pick<typeof t, "testdir" | "teardown">;

export const MISTRAL: ModelSpec = { name: "mistral:instruct", bytes: 20_000 };
export const LLAMA: ModelSpec = { name: "llama3:8b", bytes: 10_000, parameters: "8.0B", context: 8192 };

/** A server in this process with models on its disk. */
export interface World {
  ollama: StartedOllama;
  models: string;
  ask(method: string, path: string, body?: unknown, more?: CallOptions): Promise<Answer>;
  loaded(): Promise<Record<string, unknown>[]>;
}

export async function world(test: Test, env: Record<string, string> = {}, specs = [MISTRAL, LLAMA]): Promise<World> {
  const home = test.testdir();
  const models = join(home, ".ollama", "models");
  for (const spec of specs) installModel(models, spec);
  const ollama = await startOllama({ home, env });
  test.teardown(() => ollama.close());
  const ask: World["ask"] = (method, path, body, more = {}) =>
    call(method, `${ollama.url}${path}`, { ...more, ...(body !== undefined && { body }) });
  const loaded = async (): Promise<Record<string, unknown>[]> =>
    (await ask("GET", "/api/ps")).json.models as Record<string, unknown>[];
  return { ollama, models, ask, loaded };
}

export const load = (model: string, more: object = {}): object => ({ model, ...more });
export const question = { model: "mistral:instruct", messages: [{ role: "user", content: "How are you today?" }] };

/** Waits for a state of the world; the test's own time limit ends it. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}
