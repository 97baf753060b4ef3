import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { OLLAMA_PORT } from "@fettle/shared/roles/ollama.ts";
import { type Answer, ask } from "../sandbox/ask.ts";
import { UnitsClient } from "../sandbox/host/units-client.ts";
import { NODES, type NodeName } from "../sandbox/layout.ts";
import { controlOf } from "../sandbox/machine-files.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";

const UNITS: Readonly<Record<NodeName, string>> = {
  "gitlab-1": "gitlab-runsvdir.service",
  "gateway-1": "docker.service",
  "ollama-1": "ollama.service",
};

/** The agent's own folders, and what the products write by themselves while nobody changes anything. */
const NOT_LOOKED_AT = [
  "var/lib/fettle-agent",
  "run/fettle-agent",
  "var/opt/gitlab",
  "var/lib/docker",
  "run/docker.sock",
  "var/run",
];

/** Everything of a stack that somebody could have written: equal when nobody did. */
export type Snapshot = Readonly<Record<string, string>>;

export function unitsOf(sandbox: Sandbox, node: NodeName): UnitsClient {
  return new UnitsClient(join(sandbox.layout.folder, node, "units.sock"));
}

/** Throws what the Engine refuses. */
export async function engineAt(sandbox: Sandbox, method: string, path: string, body?: object): Promise<Answer> {
  const socketPath = join(sandbox.rootOf("gateway-1"), "run/docker.sock");
  const answer = await ask({ socketPath, method, path }, body && JSON.stringify(body));
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer;
}

export function ollamaAt(sandbox: Sandbox, method: string, path: string, body?: object): Promise<Answer> {
  const host = sandbox.layout.addresses["ollama-1"];
  return ask({ host, port: OLLAMA_PORT, method, path }, body && JSON.stringify(body));
}

/** The GitLab stand-in's own door: its state and what was asked of it. */
export async function gitlabControl(sandbox: Sandbox, method: string, path: string, body?: object): Promise<unknown> {
  const socketPath = controlOf(sandbox.layout, "gitlab-1");
  const { text } = await ask({ socketPath, method, path }, body && JSON.stringify(body));
  return text === "" ? null : JSON.parse(text);
}

export async function snapshot(sandbox: Sandbox): Promise<Snapshot> {
  const all: Record<string, string> = {};
  for (const node of NODES) {
    Object.assign(all, filesOf(sandbox, node));
    const { active, mainPid, restarts } = await unitsOf(sandbox, node).show(UNITS[node]);
    all[`${node} ${UNITS[node]}`] = `${active} ${mainPid} ${restarts}`;
  }
  return { ...all, ...(await containersOf(sandbox)), ...(await modelsOf(sandbox)), ...(await gitlabOf(sandbox)) };
}

/** Each file, folder and link below a machine's root with all that a write would change. */
export function filesOf(sandbox: Sandbox, node: NodeName): Snapshot {
  const root = sandbox.rootOf(node);
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" });
  const found = paths.filter((path) => !NOT_LOOKED_AT.some((not) => path === not || path.startsWith(`${not}/`)));
  return Object.fromEntries(
    found.flatMap((path) => {
      const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
      if (stat === undefined) return [];
      const target = stat.isSymbolicLink() ? readlinkSync(join(root, path)) : "";
      return [[`${node} /${path}`, `${stat.mode.toString(8)} ${stat.size} ${stat.ino} ${stat.mtimeMs} ${target}`]];
    }),
  );
}

interface Container {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
}

async function containersOf(sandbox: Sandbox): Promise<Snapshot> {
  const { text } = await engineAt(sandbox, "GET", "/containers/json?all=true");
  const list = JSON.parse(text) as Container[];
  const rows = list.map(async ({ Id, Names, State }) => {
    const inspected = JSON.parse((await engineAt(sandbox, "GET", `/containers/${Id}/json`)).text);
    return [`container ${Names.join(" ")}`, `${Id} ${State} ${inspected.State.StartedAt}`] as const;
  });
  return Object.fromEntries(await Promise.all(rows));
}

/** Ollama may be away, as in a drift. */
async function modelsOf(sandbox: Sandbox): Promise<Snapshot> {
  const asked = ["/api/tags", "/api/ps"].map(async (path) => {
    const answer = await ollamaAt(sandbox, "GET", path).catch(() => null);
    const { models = [] } = answer === null ? {} : JSON.parse(answer.text);
    const shown = models.map(({ name, digest }: { name: string; digest: string }) => `${name} ${digest}`);
    return [`ollama ${path}`, shown.join(", ")] as const;
  });
  return Object.fromEntries(await Promise.all(asked));
}

async function gitlabOf(sandbox: Sandbox): Promise<Snapshot> {
  const { writes } = (await gitlabControl(sandbox, "GET", "/requests")) as { writes: number };
  return { "gitlab writes": String(writes) };
}

/** What differs between two snapshots. */
export function differences(before: Snapshot, after: Snapshot): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) =>
    before[key] === after[key] ? [] : [`${key}: ${before[key] ?? "absent"} -> ${after[key] ?? "absent"}`],
  );
}
