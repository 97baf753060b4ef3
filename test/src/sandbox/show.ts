import { join } from "node:path";
import { DROP_IN } from "@fettle/agent/resources/ollama/unit-file.ts";
import { Observer } from "./observer.ts";
import type { Sandbox } from "./sandbox.ts";

const EVERY_MS = 500;

/** Prints a line for every change of the status until the signal fires. */
export async function watchStatus(sandbox: Sandbox, signal: AbortSignal, say: (line: string) => void): Promise<void> {
  const observer = new Observer(sandbox, signal);
  let said = "";
  let first = true;
  while (!signal.aborted) {
    const status = await observer.status().catch(() => null);
    if (status) {
      const changing = status.changing.map(({ where, state, text }) => `  ${where} ${state}: ${text}`);
      const people = status.people.map(({ where, text }) => `  ${where} needs a person: ${text}`);
      const now = [`${status.stack}: ${status.word}`, ...people, ...changing].join("\n");
      if (now !== said) say(now);
      if (first && status.word === "in-sync") {
        say(await sandbox.fettle(["status"]));
        say("in sync; now break something. Ctrl-C ends it all.");
        first = false;
      }
      said = now;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

/** Commands to copy into another terminal. */
export function howToBreak(sandbox: Sandbox): string {
  const { layout } = sandbox;
  const ollama = `http://${layout.addresses["ollama-1"]}:11434`;
  const env = ["FETTLE_RUN"].map((name) => `${name}=${sandbox.cliEnv()[name]}`).join(" ");
  const socket = join(sandbox.rootOf("gateway-1"), "run/docker.sock");
  return `
How to break it, in another terminal:
  OLLAMA_HOST      rm ${join(sandbox.rootOf("ollama-1"), DROP_IN)}
  a model          curl -X DELETE ${ollama}/api/delete -d '{"model":"mistral:instruct"}'
  the gateway      curl -X POST --unix-socket ${socket} http://docker/containers/fettle-gateway/stop
  an agent         kill -9 ${sandbox.agents["ollama-1"].pid}
  the coordinator  kill -9 ${sandbox.coordinator.pid}   (the agents go on; nothing restarts it here)
And to look at it:
  ${env} npm run --silent fettle -- status
  ${env} npm run --silent fettle -- get runs
`;
}
