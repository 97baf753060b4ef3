import assert from "node:assert/strict";
import { basename } from "node:path";
import type { BareLab } from "../bare/bare-lab.ts";
import { blockThat } from "../bare/page.ts";
import { settled } from "../bare/settled.ts";
import type { CommandResult } from "../command.ts";
import type { Host } from "../host.ts";
import { copyIn } from "../host-files.ts";
import { runningVersion, untilConnected, untilRecorded } from "../update/machine.ts";
import { makeRelease } from "./make-release.ts";
import { Maker } from "./maker.ts";

const folder = "/root/by-hand";

/** The page's line on the machine, with this archive and the manifest beside it. */
export async function updateByHand(host: Host, archive: string): Promise<CommandResult> {
  for (const file of [archive, `${archive}.manifest`]) await copyIn(host, file, folder);
  const block = blockThat("update.md", "## One machine by hand", "sudo fettle-agent update").replace(
    /fettle-agent-\S+\.tar\.gz/,
    basename(archive),
  );
  return host.exec(["sh", "-ec", `cd ${folder}\n${block}`], { timeoutMs: 60_000 });
}

/** A pause does not hold it back. */
export async function byHand(lab: BareLab): Promise<string> {
  const { gateway, config } = lab;
  const maker = new Maker(config);
  await makeRelease(maker, "0.2.3", { more: " --agent-only" });
  await lab.fettle.cli(["pause", "gateway-1", "--reason", "somebody looks at it"]);
  const { code, stdout, stderr } = await updateByHand(gateway, maker.archive("fettle-agent", "0.2.3"));
  assert.equal(code, 0, stderr);
  await untilRecorded(gateway, "0.2.3", "done", 120_000);
  await untilConnected(lab, gateway, "0.2.3", 30_000);
  assert.match(await gateway.run(["fettle-agent", "status"]), /Agent: 0\.2\.3$/m);
  assert.equal(await runningVersion(gateway), "0.2.3");
  await lab.fettle.cli(["resume", "gateway-1"]);
  await settled(lab);
  return stdout;
}
