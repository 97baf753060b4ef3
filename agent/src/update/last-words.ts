import type { Host } from "../system/host.ts";
import type { UnitState } from "../system/units.ts";
import { AGENT_UNIT, type UpdateLayout } from "./layout.ts";

type WordsHost = Pick<Host, "files" | "units">;

const LINES = 100;
const KEPT_LINES = 12;
/** What systemd says of the unit, which tells the same again and again. */
const SYSTEMDS =
  /^(fettle-agent\.service: (Scheduled|Consumed|Deactivated|Main process|Failed with)|(Starting|Started|Stopping|Stopped) )/;
/** Somebody ended it: the switch, a person, the machine's shutdown. A program that ends by itself is not stopped. */
const WAS_STOPPED = /^Stopping /;
const OWN_END = /^fettle-agent\.service: Main process exited, (code=\S+, status=\S+)/;
const MAX_LINE = 200;
const MAX_WORDS = 1_500;
const REDACTED = "[redacted]";

/** What looks like a secret whoever wrote it: a version that does not work has not cut its own words. */
const SHAPES = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\bgl[a-z]{2,6}-[A-Za-z0-9_.-]{8,}/g,
  /\bfettle\d?\.[A-Za-z0-9_.-]{8,}/g,
  /\b(?=[A-Za-z0-9+_-]*\d)(?=[A-Za-z0-9+_-]*[A-Za-z])[A-Za-z0-9+_-]{32,}={0,2}/g,
];

/** The agent's newest journal lines since it was last stopped: what it said before is the version before's. */
export async function linesOfTrial({ units }: Pick<WordsHost, "units">): Promise<readonly string[]> {
  const all = await units.journal(AGENT_UNIT, LINES).catch(() => []);
  return all.slice(all.findLastIndex((line) => WAS_STOPPED.test(line)) + 1);
}

/** How the agent's process ended, in a few words: as systemd noted its last end, else as the unit is now. */
export function howItEnded(
  agent: Pick<UnitState, "active" | "sub" | "result" | "exitStatus"> | null,
  lines: readonly string[],
): string {
  const [ownEnd] = lines.flatMap((line) => OWN_END.exec(line)?.[1] ?? []).slice(-1);
  if (ownEnd !== undefined) return ownEnd;
  if (agent === null) return "systemd did not say how";
  const status = agent.exitStatus === 0 ? "" : `, exit status ${agent.exitStatus}`;
  return `unit ${agent.active} (${agent.sub}), result ${agent.result}${status}`;
}

/** The last of these lines that the program wrote, without what is secret here or looks so, in one line of bounded length. */
export async function lastWords(host: WordsHost, layout: UpdateLayout, from: readonly string[]): Promise<string> {
  const lines = from.filter((line) => line.trim() !== "" && !SYSTEMDS.test(line)).slice(-KEPT_LINES);
  if (lines.length === 0) return "none";
  const secrets = await secretsHere(host, layout);
  const words = lines.map((line) => cutSecrets(line, secrets).slice(0, MAX_LINE)).join(" | ");
  return words.slice(-MAX_WORDS);
}

export function cutSecrets(text: string, secrets: readonly string[]): string {
  const known = secrets.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
  return SHAPES.reduce((rest, shape) => rest.replace(shape, REDACTED), known);
}

/** The values of the files that this machine keeps secret; a long line of one is one too. */
async function secretsHere({ files }: WordsHost, { data }: UpdateLayout): Promise<string[]> {
  const names = (await files.list(`${data}/secrets`).catch(() => null)) ?? [];
  const paths = [...names.map((name) => `${data}/secrets/${name}`), `${data}/identity/key.pem`];
  const texts = await Promise.all(paths.map((path) => files.readText(path).catch(() => null)));
  const values = texts.flatMap((text) => (text === null ? [] : [text.trim(), ...text.split(/\r?\n/)]));
  return values.filter((value) => value.length >= 8 && !value.startsWith("-----")).sort((a, b) => b.length - a.length);
}
