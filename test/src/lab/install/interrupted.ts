import assert from "node:assert/strict";
import { assertSame, attempt, type InstallLab, type InstallStep, scriptFor, stateOf } from "./bench.ts";

/** Seconds from its start until it is told to stop; once it is enrolled, that stays. */
const moments = [0.2, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8];

/** A name that no stack has: the agent gets nothing to do, and the machine stays as bare as it was. */
const SPARE = "spare-1";
const ENROLLED = ["test", "-e", "/var/lib/fettle-agent/identity/identity.json"];

async function stopped(lab: InstallLab, signal: string, seconds: number): Promise<"undone" | "enrolled"> {
  const { ollama, fettle } = lab;
  const { text, minted } = await scriptFor(lab, SPARE);
  const before = await stateOf(ollama);
  const under = ["timeout", "--foreground", "--signal", signal, String(seconds)];
  const { code, said } = await attempt(ollama, { script: text, token: minted.token, under });
  if ((await ollama.exec(ENROLLED)).code === 0) {
    if (code !== 0) assert.match(said, /is enrolled and stays so/);
    return "enrolled";
  }
  assert.notEqual(code, 0, said);
  assertSame(await stateOf(ollama), before);
  // Stopped while it enrolled, its token may have been used.
  await fettle.cli(["node", "remove", SPARE]).catch(() => "");
  return "undone";
}

async function takeOff({ ollama, fettle }: InstallLab): Promise<void> {
  await ollama.run(["fettle-agent", "uninstall"], { timeoutMs: 120_000 });
  await fettle.cli(["node", "remove", SPARE]).catch(() => "");
}

/** Ctrl-C, a shutdown, and a power cut, at any moment, on a machine without Fettle; it is without it again afterwards. */
export const interrupted: InstallStep[] = [
  {
    name: "install.sh stopped at any moment leaves the machine as it was, until it is enrolled",
    async run(lab) {
      const ends: string[] = [];
      for (const seconds of moments) {
        for (const signal of ["TERM", "INT"]) {
          const end = await stopped(lab, signal, seconds);
          ends.push(`${signal} after ${seconds} s: ${end}`);
          if (end === "undone") continue;
          await takeOff(lab);
          return ends.join("\n");
        }
      }
      return ends.join("\n");
    },
  },
  {
    name: "install.sh killed at any moment: the same line again and again ends connected",
    async run(lab) {
      const { text, minted } = await scriptFor(lab, SPARE);
      for (const seconds of [0.5, 1, 1.5, 2, 2.5, 3, 4]) {
        const under = ["timeout", "--foreground", "--signal", "KILL", String(seconds)];
        await attempt(lab.ollama, { script: text, token: minted.token, under });
      }
      const { code, said } = await attempt(lab.ollama, { script: text, token: minted.token });
      assert.equal(code, 0, said);
      assert.match(said, /is connected to its coordinator/);
      await takeOff(lab);
    },
  },
];
