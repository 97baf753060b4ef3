import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine.ts";

/** A package as the sources of a fake distribution have it. */
export interface Offered {
  readonly name: string;
  readonly version: string;
  readonly modaliases?: string;
}

interface State {
  /** Before `apt-get update`, and after. */
  readonly listed: readonly Offered[];
  readonly sources: readonly Offered[];
  /** Name -> version. */
  readonly installed: Readonly<Record<string, string>>;
  readonly held: readonly string[];
  /** What an installation would remove. */
  readonly removes: readonly string[];
  /** What `apt-get install` says, failing. */
  readonly fails: string | null;
  /** The file of which package. */
  readonly owners: Readonly<Record<string, string>>;
}

const NOTHING: State = { listed: [], sources: [], installed: {}, held: [], removes: [], fails: null, owners: {} };

/** One program for apt-get, apt-cache, apt-mark and dpkg-query; its state is a file beside it. */
const PROGRAM = `#!${process.execPath}
const fs = require("node:fs"), path = require("node:path");
const root = path.join(__dirname, "../..");
const file = path.join(root, "apt.json");
const state = JSON.parse(fs.readFileSync(file, "utf8"));
const [, self, ...args] = process.argv;
const name = path.basename(self);
const say = (line) => process.stdout.write(line + "\\n");
const save = () => fs.writeFileSync(file, JSON.stringify(state));
const matches = (pattern, text) => new RegExp("^" + pattern.replace(/[.+]/g, "\\\\$&").replace(/\\*/g, ".*") + "$").test(text);
if (name === "apt-mark") state.held.forEach(say);
if (name === "dpkg-query" && args[0] === "--search") {
  const owner = state.owners[args[1].slice(args[1].lastIndexOf("/usr/"))];
  if (owner) say(owner + ": " + args[1]); else process.exitCode = 1;
} else if (name === "dpkg-query") {
  const wantsVersion = args[1].includes("Version");
  for (const [one, version] of Object.entries(state.installed))
    if (args.slice(2).some((pattern) => matches(pattern, one))) say("installed " + (wantsVersion ? version : one));
}
if (name === "apt-cache" && args[0] === "search")
  for (const one of state.listed) if (new RegExp(args[2]).test(one.name)) say(one.name + " - NVIDIA driver");
if (name === "apt-cache" && args[0] === "show")
  for (const one of state.listed.filter((each) => args.includes(each.name)))
    say("Package: " + one.name + "\\nVersion: " + one.version + (one.modaliases ? "\\nModaliases: " + one.modaliases : "") + "\\n");
if (name === "apt-cache" && args[0] === "policy")
  for (const one of args.slice(1)) {
    const found = state.listed.find((each) => each.name === one);
    say(one + ":\\n  Installed: (none)\\n  Candidate: " + (found ? found.version : "(none)") + "\\n  Version table:");
  }
if (name === "apt-get") {
  if (!args.includes("--simulate")) fs.appendFileSync(path.join(root, "apt.log"), args.join(" ") + "\\n");
  if (args.includes("--simulate")) for (const one of state.removes) say("Remv " + one + " [1]");
  else if (args.includes("update")) { state.listed = state.sources; save(); }
  else if (state.fails) { say(state.fails); process.exitCode = 100; }
  else {
    for (const one of state.listed) if (args.includes(one.name)) state.installed[one.name] = one.version;
    save();
    say("Setting up " + args.at(-1));
  }
}
`;

/** Apt and dpkg on a machine of a test. */
export class FakeApt {
  readonly #machine: Machine;

  constructor(machine: Machine, state: Partial<State>) {
    this.#machine = machine;
    this.set(state);
    for (const name of ["apt-get", "apt-cache", "apt-mark", "dpkg-query"])
      machine.write(`usr/bin/${name}`, PROGRAM, 0o755);
  }

  set(change: Partial<State>): void {
    writeFileSync(this.#file, JSON.stringify({ ...NOTHING, ...this.#state(), ...change }));
  }

  get installed(): string[] {
    return Object.keys(this.#state().installed ?? {}).sort();
  }

  /** What was asked of apt-get, without its options before the command. */
  asked(): string[] {
    const lines = this.#read("apt.log").split("\n");
    return lines.filter((line) => line !== "").map((line) => line.replace(/^-o \S+ /, ""));
  }

  get #file(): string {
    return join(this.#machine.root, "apt.json");
  }

  #state(): Partial<State> {
    return JSON.parse(this.#read("apt.json") || "{}") as Partial<State>;
  }

  #read(name: string): string {
    try {
      return readFileSync(join(this.#machine.root, name), "utf8");
    } catch {
      return "";
    }
  }
}
