import assert from "node:assert/strict";
import type { LabConfig } from "../config.ts";
import type { LabCoordinator } from "../fettle/coordinator.ts";
import type { Host } from "../host.ts";
import { writeFile } from "../host-files.ts";

/** What these steps need of a lab: a machine without Fettle, and a coordinator whose stack names it. */
export type InstallLab = { config: LabConfig; ollama: Host; fettle: LabCoordinator };
export type InstallStep = { name: string; run: (lab: InstallLab) => Promise<unknown> };

export type Minted = { token: string; pin: string; url: string; line: string };

/** Where everybody can read it: it is to say itself that it needs root. */
const SCRIPT = "/run/fettle-lab-install.sh";
/** Programs that stand before the machine's own in a run of the script. */
const FAKES = "/run/fettle-lab-fakes";

export async function mint(
  { fettle, ollama }: InstallLab,
  more: string[] = [],
  node: string = ollama.name,
): Promise<Minted> {
  const roles = node === ollama.name ? [] : ["--role", "ollama"];
  const made = await fettle.cli(["token", "create", "--node", node, ...roles, "--json", ...more]);
  return JSON.parse(made) as Minted;
}

/** The script as the coordinator fills it in for this machine. */
export async function scriptFor(lab: InstallLab, node?: string): Promise<{ text: string; minted: Minted }> {
  const minted = await mint(lab, [], node);
  const { pin, url } = minted;
  const text = await lab.ollama.run(["curl", "-q", "-fsSk", "--pinnedpubkey", pin, url], { timeoutMs: 30_000 });
  return { text: `${text}\n`, minted };
}

export type Attempt = {
  script: string;
  /** Standard input. */
  token?: string;
  args?: string[];
  env?: Record<string, string>;
  /** Name -> sh script; each is found before the machine's own program of that name. */
  fakes?: Record<string, string>;
  /** argv before `sh`, as in `setpriv …`. */
  under?: string[];
};

/** Runs the script on the machine; gives its exit code and all that it said. */
export async function attempt(host: Host, given: Attempt): Promise<{ code: number; said: string }> {
  const { script, token = "", args = [], env = {}, fakes = {}, under = [] } = given;
  await writeFile(host, SCRIPT, script, "0755");
  for (const [name, text] of Object.entries(fakes)) await writeFile(host, `${FAKES}/${name}`, text, "0755");
  const path = `${FAKES}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  const variables = Object.entries({ PATH: path, ...env }).map(([name, value]) => `${name}=${value}`);
  try {
    const argv = ["env", ...variables, ...under, "sh", SCRIPT, ...args];
    const { code, stdout, stderr } = await host.exec(argv, { input: token, timeoutMs: 180_000 });
    return { code, said: `${stdout}${stderr}` };
  } finally {
    await host.run(["rm", "-rf", FAKES, SCRIPT]);
  }
}

/**
 * All that is in the folders that an install may touch: kind, mode and owner of each thing, a file's sum, a link's
 * target. What changes by itself on an idle machine is left out.
 */
export async function stateOf(host: Host): Promise<string> {
  const skipped = ["systemd", "docker", "containerd", "dbus"]
    .map((name) => `-path /var/lib/${name} -prune -o`)
    .join(" ");
  return await host.run([
    "sh",
    "-c",
    `export LC_ALL=C
    find /etc /opt /usr/local /var/lib ${skipped} -printf '%y %m %U:%G %p %l\\n' | sort
    find /etc /opt /usr/local /var/lib ${skipped} -type f -print0 | sort -z | xargs -0 sha256sum
    ls -A /run/fettle-agent-install /run/fettle-agent 2>/dev/null
    systemctl list-units --all --plain --no-legend 'fettle*'; systemctl list-unit-files --no-legend 'fettle*' || true`,
  ]);
}

/** The script fails, says why, and leaves the machine as it was, to the byte. */
export async function refuses(host: Host, given: Attempt, says: RegExp[]): Promise<string> {
  const before = await stateOf(host);
  const { code, said } = await attempt(host, given);
  assert.notEqual(code, 0, `it went through: ${said}`);
  for (const each of says) assert.match(said, each);
  assert.ok(!said.includes("\u001b"), "no colours without a terminal");
  assertSame(await stateOf(host), before);
  return said;
}

export function assertSame(after: string, before: string): void {
  if (after === before) return;
  const [old, fresh] = [new Set(before.split("\n")), new Set(after.split("\n"))];
  const gone = [...old].filter((line) => !fresh.has(line)).map((line) => `- ${line}`);
  const come = [...fresh].filter((line) => !old.has(line)).map((line) => `+ ${line}`);
  assert.fail(`the machine is not as it was:\n${[...gone, ...come].slice(0, 20).join("\n")}`);
}
