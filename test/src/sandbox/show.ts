import { join } from "node:path";
import { DROP_IN } from "@fettle/agent/resources/ollama/unit-file.ts";
import { changeText } from "@fettle/coordinator/cli/render/changes.ts";
import { cut } from "@fettle/coordinator/cli/render/text.ts";
import type { ResourceView } from "@fettle/shared/api/resources.ts";
import { gitlabUrl } from "./layout.ts";
import { ADMIN_TOKEN } from "./machine-files.ts";
import { Observer } from "./observer.ts";
import type { Sandbox } from "./sandbox.ts";

const EVERY_MS = 500;
/** Of the longest resource. */
const WIDTH = 41;
const REASON = 90;

/** Prints a line for every change of a resource until the signal fires. */
export async function watchStatus(sandbox: Sandbox, signal: AbortSignal, say: (line: string) => void): Promise<void> {
  const observer = new Observer(sandbox, signal);
  const startedAt = Date.now();
  let before = new Map<string, string>();
  let shown = false;
  while (!signal.aborted) {
    const after = said(await observer.resources().catch(() => null)) ?? before;
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1).padStart(6);
    for (const [where, line] of after)
      if (before.get(where) !== line) say(`${seconds} s  ${where.padEnd(WIDTH)}  ${line}`);
    before = after;
    if (!shown && (await isInSync(observer))) {
      say(`\n${await sandbox.fettle(["status"])}`);
      say("In sync. Now break something; what happens is shown here. Ctrl-C ends it all and leaves nothing behind.");
      shown = true;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

async function isInSync(observer: Observer): Promise<boolean> {
  const status = await observer.status().catch(() => null);
  return status?.word === "in-sync";
}

/** `NODE/ID` -> its state and why, once it has been looked at; null when the coordinator does not answer. */
function said(resources: readonly ResourceView[] | null): Map<string, string> | null {
  if (resources === null) return null;
  const known = resources.filter(({ state, text }) => state !== "unknown" || text !== undefined);
  const lines = known.map(({ node, id, state, text, changes, progress }): [string, string] => {
    const why = progress?.text ?? text ?? changes.map(changeText).join("; ");
    return [`${node}/${id}`, `${state.padEnd(9)}  ${cut(why, REASON)}`.trimEnd()];
  });
  return new Map(lines);
}

/** Commands to copy into another terminal. */
export function howToBreak(sandbox: Sandbox, commands: string): string {
  const { layout, agents, coordinator } = sandbox;
  const ollama = `http://${layout.addresses["ollama-1"]}:11434`;
  const socket = join(sandbox.rootOf("gateway-1"), "run/docker.sock");
  const dropIn = join(sandbox.rootOf("ollama-1"), DROP_IN);
  const ca = join(sandbox.rootOf("gitlab-1"), "etc/gitlab/trusted-certs/ca.crt");
  const remap = "mutation { aiFeatureSettingUpdate(input: { features: [DUO_CHAT], provider: DISABLED }) { errors } }";
  return `
To look at it, in another terminal:
  export PATH=${commands}:$PATH
  fettle status                       or fettle help
  on ollama-1 fettle-agent status     the same on one machine
  without that PATH: FETTLE_RUN=${sandbox.cliEnv().FETTLE_RUN} npm run --silent fettle -- status
  the stack file: ${join(layout.folder, "stack.yaml")}
To break it:
  OLLAMA_HOST         rm ${dropIn}
  a model             curl -X DELETE ${ollama}/api/delete -d '{"model":"mistral:instruct"}'
  the gateway         curl -X POST --unix-socket ${socket} http://docker/containers/fettle-gateway/stop
  a feature's model   curl --cacert ${ca} ${gitlabUrl(layout)}/api/graphql -H 'Content-Type: application/json' \\
                        -H 'Authorization: Bearer ${ADMIN_TOKEN}' -d '{"query":"${remap}"}'
  an agent            kill -9 ${agents["ollama-1"].pid}; on ollama-1 fettle-agent run
  the coordinator     kill -9 ${coordinator.pid}; fettle coordinator start
                      (on a VM systemd starts both again; here the second half of the line does)
`;
}
