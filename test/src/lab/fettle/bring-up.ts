import { readFile, writeFile } from "../host-files.ts";
import type { Lab } from "../lab.ts";
import { publishGateways } from "../products/gateway-images.ts";
import { ensureGitlab, gitlabCa } from "../products/gitlab-host.ts";
import { dropOtherBuild, publishOllama } from "../products/ollama-release.ts";
import { timedLine } from "../stopwatch.ts";
import { ensureAgent } from "./agent.ts";
import { buildBundles } from "./bundles.ts";
import { Coordinator } from "./coordinator.ts";
import { gatewayCaBundle, stackText } from "./stack-text.ts";

/** Puts the products and Fettle into a lab that is up, and applies the stack; the agents converge from there. */
export async function bringUpFettle(lab: Lab): Promise<void> {
  const { config, coordinator } = lab;
  const bundles = await timedLine("Fettle built as it is shipped", () => buildBundles(config));
  const release = await timedLine("Ollama's release and the gateway's images published", async () => {
    await publishGateways(config);
    return publishOllama(config);
  });
  await timedLine("GitLab installed", () => installGitlab(lab));
  const fettle = new Coordinator(config);
  await timedLine("coordinator", () => fettle.ensure(bundles.coordinator));
  await timedLine("stack applied", () => fettle.apply(stackText(config)));
  const parts = { bundle: bundles.agent, release, coordinator: fettle };
  await timedLine("agents installed and enrolled", async () => {
    await dropOtherBuild(lab.ollama, release);
    await Promise.all([lab.gitlab, lab.gateway, lab.ollama].map((host) => ensureAgent(config, host, parts)));
  });
  process.stdout.write(`          the coordinator is ${coordinator.address}:7443; npm run lab -- fettle status\n`);
}

/** GitLab, and its CA's certificate on the gateway's machine, as an operator would copy it. */
export async function installGitlab({ config, gitlab, gateway }: Lab): Promise<void> {
  await ensureGitlab(config, gitlab);
  await writeFile(gateway, gatewayCaBundle, `${await readFile(gitlab, gitlabCa)}\n`);
}
