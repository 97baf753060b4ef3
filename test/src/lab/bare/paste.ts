import assert from "node:assert/strict";
import type { Host } from "../host.ts";
import type { BareLab } from "./bare-lab.ts";

/** Runs on the host what `fettle token create` prints for it, as somebody pastes it, with options typed behind it; gives what was said. */
export async function paste(lab: BareLab, host: Host, options = ""): Promise<string> {
  const line = `${await lineFor(lab, host)}${options}`;
  lab.lines.set(host.name, line);
  return await host.run(["sh", "-c", line], { timeoutMs: 180_000 });
}

/** The line to paste: the one that begins with curl. */
export async function lineFor(lab: BareLab, host: Host): Promise<string> {
  const printed = await lab.fettle.cli(["token", "create", "--node", host.name]);
  const line = printed.split("\n").find((each) => each.trimStart().startsWith("curl "));
  assert.ok(line !== undefined, `no line to paste in:\n${printed}`);
  return line.trim();
}
