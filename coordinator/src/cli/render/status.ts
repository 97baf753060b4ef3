import type { Hop, Status, StatusItem } from "@fettle/shared/api/status.ts";
import type { Output } from "../output.ts";
import { ago, cut } from "./text.ts";
import { painted } from "./words.ts";

/** The whole stack on one screen: people first, then what Fettle changes, then the rest, then the chain. */
export function statusLines(status: Status, out: Output): string[] {
  const room = Math.max(6, out.rows - 7 - status.chain.length - status.nodes.length - status.pauses.length);
  const people = Math.ceil(room / 2);
  const lines = [
    headline(status, out),
    ...chainLines(status.chain, out),
    ...section("Only a person can do", status.people, people, true, status, out),
    ...section("Fettle is changing", status.changing, Math.ceil(room / 3), false, status, out),
    ...section("The rest", status.rest, Math.max(2, Math.floor(room / 4)), false, status, out),
    ...pauseLines(status, out),
    ...nodeLines(status, out),
  ];
  return [...lines, countLine(status)];
}

function headline({ stack, revision, mode, environment, word }: Status, out: Output): string {
  return `${out.paint("bold", stack)}  revision ${revision}  ${environment}  ${mode}  ${painted(out, word)}`;
}

/** user -> gitlab-1 -> gateway-1 -x- ollama-1: the mark is on the hop that breaks. */
export function chainLines(chain: readonly Hop[], out: Output): string[] {
  if (chain.length === 0) return [];
  const line = chain.reduce((text, { state, node, role }) => `${text} ${arrow(state, out)} ${role} ${node}`, "user");
  const broken = chain.filter((hop) => hop.state !== "ok");
  return [
    line,
    ...broken.map(({ node, state, text = "" }) => `  ${cut(`${node} ${state}: ${text}`, out.columns - 2)}`),
  ];
}

function arrow(state: Hop["state"], out: Output): string {
  if (state === "ok") return out.paint("green", "->");
  return state === "broken" ? out.paint("red", "-x-") : out.paint("yellow", "-?-");
}

function section(
  title: string,
  items: readonly StatusItem[],
  most: number,
  remedies: boolean,
  { at }: Status,
  out: Output,
): string[] {
  if (items.length === 0) return [];
  const each = items.map((item) => itemLines(item, at, remedies, out));
  const shown: string[][] = [];
  for (const lines of each) {
    if (shown.length > 0 && shown.flat().length + lines.length > most) break;
    shown.push(lines);
  }
  const more = items.length - shown.length;
  const left = more === 0 ? [] : [`  … and ${more} more: fettle get resources`];
  return [out.paint("bold", title), ...shown.flat(), ...left];
}

function itemLines(
  { where, state, text, since, remedy }: StatusItem,
  at: number,
  remedies: boolean,
  out: Output,
): string[] {
  const start = `  ${where} `;
  const age = ago(since, at);
  const word = age === "" ? state : `${state} ${age}`;
  const room = out.columns - start.length - word.length - 1;
  const line = `${start}${painted(out, state)}${word.slice(state.length)} ${cut(text, Math.max(20, room))}`;
  return remedies && remedy ? [line, out.paint("dim", `      ${cut(remedy, out.columns - 6)}`)] : [line];
}

function pauseLines({ pauses, at }: Status, out: Output): string[] {
  return pauses.map(({ scope, reason, by, until }) => {
    const end = until === null ? "until resumed" : `for ${ago(at, until)} more`;
    return cut(`paused: ${scope} ${end}, by ${by}: ${reason}`, out.columns);
  });
}

function nodeLines({ nodes, at }: Status, out: Output): string[] {
  const width = Math.max(0, ...nodes.map(({ node }) => node.length));
  return nodes.map(({ node, roles, connection, health, word, seenAt, behind }) => {
    const heard = connection === "disconnected" ? ` ${ago(seenAt, at)}` : "";
    const late = behind && connection === "connected" ? "  behind" : "";
    const sick = health === "ok" || connection !== "connected" ? "" : `  health ${painted(out, health)}`;
    return `${node.padEnd(width)}  ${painted(out, word, 9)}  ${painted(out, connection)}${heard}${late}${sick}  ${roles.join(", ")}`;
  });
}

function countLine({ counts }: Status): string {
  const parts = Object.entries(counts).map(([word, count]) => `${count} ${word}`);
  return parts.length === 0 ? "no resource is known yet" : parts.join(", ");
}

/** What is new or gone between two looks, a line each. */
export function statusChanges(before: Status, after: Status): string[] {
  const keyed = (status: Status) =>
    new Map(
      [...status.people, ...status.changing, ...status.rest].map((item) => [`${item.where} ${item.code ?? ""}`, item]),
    );
  const [old, now] = [keyed(before), keyed(after)];
  const lines: string[] = [];
  for (const [key, { where, state, text }] of now)
    if (old.get(key)?.state !== state || old.get(key)?.text !== text) lines.push(`${where} ${state} ${text}`.trimEnd());
  for (const [key, { where, state }] of old) if (!now.has(key)) lines.push(`${where} no longer ${state}`);
  if (before.word !== after.word) lines.push(`stack ${before.word} -> ${after.word}`);
  return lines;
}
