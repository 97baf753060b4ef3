import { nodeRoute } from "@fettle/shared/api/nodes.ts";
import { resourceRoute } from "@fettle/shared/api/resources.ts";
import type { Answer } from "@fettle/shared/api/route.ts";
import type { Declare } from "../command.ts";
import type { Output } from "../output.ts";
import { resourceLines } from "../render/planned.ts";
import { ago, size, time } from "../render/text.ts";
import { painted } from "../render/words.ts";
import type { Session } from "../session.ts";
import { parseWhere } from "../where.ts";

export const describe: Declare = (program, act) => {
  program
    .command("describe")
    .argument("<where>", "NODE or NODE/ID")
    .description("All that is known of a node or a resource")
    .action(act(run));
};

async function run({ api, out, clock }: Session, text: string): Promise<number> {
  const { node, resource } = parseWhere(text);
  if (resource === undefined) {
    const answer = await api.call(nodeRoute, { params: { node } });
    if (out.isJson) out.json("node", answer);
    else out.lines(nodeLines(answer, out, clock.now()));
    return 0;
  }
  const answer = await api.call(resourceRoute, { params: { node }, query: { id: resource } });
  if (out.isJson) out.json("resource", answer);
  else out.lines(oneLines(answer, out, clock.now()));
  return 0;
}

type NodeAnswer = Answer<typeof nodeRoute>;

function nodeLines(answer: NodeAnswer, out: Output, now: number): string[] {
  const { node, facts, health, ports, resources, clockOffsetMs } = answer;
  const heard = node.seenAt === null ? "never" : `${ago(node.seenAt, now)} ago`;
  return [
    `${out.paint("bold", node.node)}  ${painted(out, node.word)}  ${painted(out, node.connection)}, heard ${heard}`,
    `roles ${node.roles.join(", ") || "none"}, address ${node.address ?? "not declared"}, agent ${node.version ?? "unknown"}`,
    `generation ${node.generation.reported} of ${node.generation.desired}, health ${painted(out, node.health)}`,
    ...(clockOffsetMs === null ? [] : [`clock ${clockOffsetMs} ms off the coordinator's`]),
    ...Object.entries(facts).map(
      ([name, value]) => `${name} ${Array.isArray(value) ? value.join(" ") : String(value)}`,
    ),
    ...healthLines(health),
    ...ports.map(
      (port) =>
        `port ${port.peer} ${port.host}:${port.port} ${port.service}: ${painted(out, port.result)}${port.milliseconds === undefined ? "" : ` ${port.milliseconds} ms`}`,
    ),
    ...node.findings.map(({ severity, text, code }) => `${painted(out, severity)} ${text} (${code})`),
    ...answer.pauses.map(({ scope, reason }) => `paused on the machine: ${scope}: ${reason}`),
    ...resources.flatMap((resource) => resourceLines(resource, [], out)),
  ];
}

function healthLines(health: NodeAnswer["health"]): string[] {
  if (health === null) return [];
  const used = health.memoryTotalBytes - health.memoryAvailableBytes;
  return [
    `memory ${size(used)} of ${size(health.memoryTotalBytes)}, load ${health.load1}`,
    ...health.disks.map(
      ({ mount, freeBytes, totalBytes }) => `disk ${mount} ${size(freeBytes)} free of ${size(totalBytes)}`,
    ),
    ...health.gpus.map(
      ({ index, name, driver, memoryUsedMiB, memoryTotalMiB }) =>
        `GPU ${index} ${name}, driver ${driver}, ${memoryUsedMiB ?? "?"} of ${memoryTotalMiB ?? "?"} MiB`,
    ),
    ...health.certificates.map(({ name, expiresAt }) => `certificate ${name} until ${time(expiresAt)}`),
  ];
}

function oneLines({ resource, gate, runs }: Answer<typeof resourceRoute>, out: Output, now: number): string[] {
  const { node, since, remedy, findings, lastState, code } = resource;
  const shut = gate === null || gate.open ? [] : [`  waits for ${gate.fact}, ${ago(gate.shutSince, now)}`];
  return [
    out.paint("bold", node),
    ...resourceLines(resource, [], out),
    `  for ${ago(since, now)}${code === undefined ? "" : `, code ${code}`}${lastState === undefined ? "" : `, last known ${lastState}`}`,
    ...(remedy && resource.state !== "blocked" ? [`  next: ${remedy}`] : []),
    ...shut,
    ...findings.map(({ severity, text, code: name }) => `  ${painted(out, severity)} ${text} (${name})`),
    ...runs.map(
      ({ id, startedAt, cause, outcome, phase, text }) =>
        `  run ${id} ${time(startedAt)} ${cause} ${painted(out, outcome ?? phase)}${text === null ? "" : `: ${text}`}`,
    ),
  ];
}
