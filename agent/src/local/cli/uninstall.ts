import { FettleError } from "@fettle/shared/lib/errors.ts";
import { printable } from "@fettle/shared/lib/printable.ts";
import type { Found } from "../../uninstall/uninstall.ts";
import { type Command, type Io, printJson, type Words } from "./command.ts";

export const uninstall: Command = {
  name: "uninstall",
  summary: "take the agent off this machine; no product is stopped, and what products need stays",
  usage: "",
  options: {},
  flags: {
    "purge-config": "also take back what Fettle set for the products; says first what that stops",
    "dry-run": "only say what would be removed and what stays",
    yes: "ask nothing, and go on although the GitLab token cannot be revoked now",
  },
  detailed: false,
  positionals: 0,
  async run(words, io) {
    if (!io.isRoot) throw new FettleError("agent.uninstall-not-root");
    const purge = words.flags.has("purge-config");
    const work = io.uninstall();
    const found = await work.look();
    const done = work.isDone(found, purge);
    if (words.json && (done || words.flags.has("dry-run"))) printJson(io, view(found, purge, done));
    else if (!words.json) io.out(done ? nothingText(found) : planText(found, purge));
    if (done || words.flags.has("dry-run")) return 0;
    await agreed(words, io);
    io.holdOn();
    const lines: string[] = [];
    await work.carryOut(found, { purge, anyway: words.flags.has("yes") }, (line) => {
      lines.push(line);
      if (!words.json) io.out(`${printable(line)}\n`);
    });
    if (words.json) printJson(io, { ...view(found, purge, false), did: lines });
    else io.out("Fettle's agent is off this machine.\n");
    return 0;
  },
};

async function agreed({ flags, json }: Words, io: Io): Promise<void> {
  if (flags.has("yes") || json) return;
  if ((await io.confirm("\nGo on? [y/N] ")) === false) throw new FettleError("agent.uninstall-declined");
}

function nothingText({ products }: Found): string {
  const rest = products.stays.length === 0 ? "" : `\n${staysText(products.stays, false)}`;
  return `There is nothing of Fettle's agent on this machine.\n${rest}`;
}

function planText({ own, token, products }: Found, purge: boolean): string {
  const paths = [...own.units, ...own.transient, ...own.dataPaths, ...own.programPaths];
  const revoked =
    token === null
      ? []
      : [
          `the GitLab token (${token.name})${token.problem === null ? "" : `, which cannot be revoked now: ${token.problem}`}`,
        ];
  const removed = [...paths, ...revoked].map((what) => `  ${printable(what)}\n`).join("");
  const purged = purge ? products.stays.filter((stay) => stay.purged !== null) : [];
  const stays = products.stays.filter((stay) => !purged.includes(stay));
  const stops = purged
    .map(({ what, purged: effect }) => `  ${printable(what)}\n    ${printable(effect ?? "")}\n`)
    .join("");
  return [
    `This goes:\n${removed}`,
    ...(purged.length === 0 ? [] : [`\nThis goes too, as --purge-config asks; nothing is stopped now:\n${stops}`]),
    ...(stays.length === 0
      ? []
      : [`\n${staysText(stays, !purge && products.stays.some((stay) => stay.purged !== null))}`]),
    "\n",
  ].join("");
}

function staysText(stays: Found["products"]["stays"], purgeable: boolean): string {
  const lines = stays.map(({ what, byHand }) => {
    const how = byHand === null ? "" : `    by hand: ${printable(byHand)}\n`;
    return `  ${printable(what)}\n${how}`;
  });
  const hint = purgeable ? "  --purge-config takes back what Fettle set, and says first what that stops.\n" : "";
  return `This stays, since the products need it:\n${lines.join("")}${hint}`;
}

function view({ own, token, products }: Found, purge: boolean, done: boolean) {
  return {
    nothingToDo: done,
    purge,
    removes: [...own.units, ...own.transient, ...own.unitPaths, ...own.dataPaths, ...own.programPaths],
    token: token === null ? null : { name: token.name, where: token.where, problem: token.problem },
    stays: products.stays,
  };
}
