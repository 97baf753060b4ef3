import { KEY_PIN } from "@fettle/shared/api/install.ts";
import type { ReleaseManifest } from "@fettle/shared/release/manifest.ts";
import { RELEASE_VERSION } from "@fettle/shared/release/manifest.ts";

/** What the install script is filled in with. */
export interface InstallFacts {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly apiPort: number;
  readonly agentPort: number;
  /** `sha256//…` of the coordinator's key. */
  readonly pin: string;
  readonly coordinatorName: string;
  /** The agent's releases; the first of each architecture is installed. */
  readonly releases: readonly Pick<ReleaseManifest, "version" | "arch" | "sha256" | "size">[];
}

const PORT = /^\d{1,5}$/;
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)$/;
const SHA256 = /^([0-9a-f]{64})?$/;
const SIZE = /^(\d{1,12})?$/;
const VERSION = new RegExp(`^(${RELEASE_VERSION.source.slice(1, -1)})?$`);
const COORDINATOR = /^coordinator\.[a-z0-9-]{1,63}\.fettle\.internal$/;

/** Placeholder -> its value, and the only form that it may have: none of them holds a quote, so none leaves its own. */
function values({ host, apiPort, agentPort, pin, coordinatorName, releases }: InstallFacts) {
  const of = (arch: string) => releases.find((release) => release.arch === arch);
  const release = (name: string, arch: string): [string, string, RegExp][] => [
    [`${name}_VERSION`, of(arch)?.version ?? "", VERSION],
    [`${name}_SHA256`, of(arch)?.sha256 ?? "", SHA256],
    [`${name}_SIZE`, String(of(arch)?.size ?? ""), SIZE],
  ];
  const all: [string, string, RegExp][] = [
    ["HOST", host.includes(":") ? `[${host}]` : host, HOST],
    ["API_PORT", String(apiPort), PORT],
    ["AGENT_PORT", String(agentPort), PORT],
    ["PIN", pin, KEY_PIN],
    ["COORDINATOR_NAME", coordinatorName, COORDINATOR],
    ...release("X64", "x64"),
    ...release("ARM64", "arm64"),
  ];
  return all;
}

/** The script for these facts. Throws when one has another form than it must, or the template another placeholder. */
export function fillIn(template: string, facts: InstallFacts): string {
  const known = new Map(values(facts).map(([name, value, form]) => [name, checked(name, value, form)]));
  return template.replaceAll(/'@([A-Z0-9_]+)@'/g, (_, name: string) => {
    const value = known.get(name);
    if (value === undefined) throw new Error(`impossible: @${name}@ in the install script`);
    return `'${value}'`;
  });
}

function checked(name: string, value: string, form: RegExp): string {
  if (!form.test(value)) throw new Error(`impossible: ${JSON.stringify(value)} for @${name}@ in the install script`);
  return value;
}
