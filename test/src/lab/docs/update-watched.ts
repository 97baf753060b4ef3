import assert from "node:assert/strict";
import type { BareLab } from "../bare/bare-lab.ts";
import { quotedThat } from "../bare/page.ts";
import { settled } from "../bare/settled.ts";
import { agentUnit } from "../fettle/agent.ts";
import { hostsOf } from "../steps/hosts.ts";
import { until } from "../until.ts";
import { bring, renumbered } from "../update/lab-releases.ts";
import { runningVersion, untilConnected, untilRecorded } from "../update/machine.ts";
import { FAULTS } from "../update/taken-back.ts";
import { makeRelease } from "./make-release.ts";
import { Maker } from "./maker.ts";

const wrong = "## When it goes wrong";

/** ollama-1 is paused and waits, gitlab-1 is away, gateway-1 is not held up; both go on by themselves. */
export async function statesOnTheWay(lab: BareLab): Promise<string> {
  const maker = new Maker(lab.config);
  await makeRelease(maker, "0.2.2", { more: " --agent-only" });
  await bring(lab, maker.archive("fettle-agent", "0.2.2"));
  await lab.fettle.cli(["pause", "ollama-1", "--reason", "somebody looks at it"]);
  await lab.gitlab.run(["systemctl", "stop", agentUnit]);
  await lab.fettle.cli(["update"]);
  await untilRecorded(lab.gateway, "0.2.2", "done", 120_000);
  const said = await untilStatus(lab, [/ollama-1 .* waiting .*paused/, /gateway-1 .* done/, /gitlab-1 .* offline/]);
  await lab.fettle.cli(["resume", "ollama-1"]);
  await lab.gitlab.run(["systemctl", "start", agentUnit]);
  for (const host of [lab.ollama, lab.gitlab]) await untilRecorded(host, "0.2.2", "done", 180_000);
  await untilStatus(lab, [/ollama-1 .* done/, /gateway-1 .* done/, /gitlab-1 .* done/]);
  await settled(lab);
  return said;
}

/** Every place that the page names says why; asked for again it is tried again, and a better one is taken. */
export async function brokenOne(lab: BareLab): Promise<string> {
  const maker = new Maker(lab.config);
  const model = { archive: maker.archive("fettle-agent", "0.2.3"), key: maker.key("one", "pem") };
  const broken = renumbered(model, "0.2.4", (folder) => FAULTS.exits(folder, "0.2.4"));
  await bring(lab, broken);
  const before = await runningVersion(lab.ollama);
  for (const attempt of ["fettle update", "fettle update again"]) {
    await lab.fettle.cli(["update"]);
    await untilRecorded(lab.ollama, "0.2.4", "trial", 90_000);
    await untilRecorded(lab.ollama, "0.2.4", "rolled-back", 120_000);
    assert.equal(await runningVersion(lab.ollama), before, attempt);
    await untilConnected(lab, lab.ollama, before, 30_000);
  }
  assert.equal(await runningVersion(lab.gateway), "0.2.3", "nobody else is given it");
  await untilStatus(lab, [/ollama-1: 0\.2\.4 ended .*so 0\.2\.2 was put back/, /gitlab-1 .* halted/]);
  const said = await saidEverywhere(lab);
  await lab.fettle.cli(quotedThat("update.md", wrong, "fettle update --cancel").split(" ").slice(1));
  await bring(
    lab,
    renumbered(model, "0.2.5", () => undefined),
  );
  await lab.fettle.cli(["update", "--wait"], 600_000);
  for (const host of hostsOf(lab)) assert.equal(await runningVersion(host), "0.2.5", host.name);
  const onDisk = await lab.ollama.run(["sh", "-c", "ls /opt/fettle-agent | grep '^[0-9]'"]);
  assert.deepEqual(onDisk.split("\n"), [before, "0.2.5"], "older versions are removed");
  await settled(lab);
  return said;
}

async function saidEverywhere({ coordinator, ollama }: BareLab): Promise<string> {
  const looks = [
    [
      coordinator,
      quotedThat("update.md", wrong, "fettle get events"),
      /ollama-1 .* 0\.2\.4: rolled-back: .*\(update\.crashed\)/,
    ],
    [coordinator, quotedThat("update.md", wrong, "fettle get audit"), /update 0\.2\.2 -> 0\.2\.4: rolled-back/],
    [
      ollama,
      quotedThat("update.md", wrong, "fettle-agent status"),
      /to 0\.2\.4 rolled-back: .*ended by itself 3 times \(code=exited, status=7.*\(update\.crashed\)/,
    ],
    [ollama, `cat ${quotedThat("update.md", wrong, "/var/lib/fettle-agent/update.json")}`, /update\.crashed/],
    [ollama, quotedThat("update.md", wrong, "journalctl -u fettle-agent-guard"), /0\.2\.4/],
  ] as const;
  const lines: string[] = [];
  for (const [host, line, wanted] of looks) {
    let said = "";
    // What an agent records reaches the coordinator a moment later.
    await until(`${line} to say why`, 15_000, async () => {
      said = await host.run(["sh", "-c", line]);
      return wanted.test(said) || undefined;
    }).catch((error: unknown) => assert.fail(`${String(error)}\n${said}`));
    lines.push(
      `${line}: ${said
        .split("\n")
        .find((each) => wanted.test(each))
        ?.trim()
        .slice(0, 200)}`,
    );
  }
  return lines.join("\n");
}

/** Until `fettle update --status` says all of this; gives what it said. */
async function untilStatus({ fettle }: BareLab, wanted: readonly RegExp[]): Promise<string> {
  let said = "";
  return until(`the update's status to say ${wanted.join(", ")}`, 60_000, async () => {
    said = await fettle.cli(["update", "--status"]);
    return wanted.every((each) => each.test(said)) ? said : undefined;
  }).catch((error: unknown) => assert.fail(`${String(error)}\n${said}`));
}
