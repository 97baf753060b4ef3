import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "./bundle.ts";
import { type Built, buildRelease, type ReleaseOptions } from "./release/build-release.ts";
import { ARCHES } from "./release/pinned.ts";
import { makeReleaseKey, releaseKey, signingKey } from "./release/signing.ts";

export { buildRelease } from "./release/build-release.ts";
export { agentEntries, buildAgent, buildCoordinator } from "./release/programs.ts";

const USAGE = `npm run build -- [OPTIONS]            the release archives of both programs, in dist/release
npm run build -- keygen FOLDER        a key pair that releases are signed with

  --sign KEY.pem               sign the manifests with this ed25519 private key; can be given again
                               (or FETTLE_SIGNING_KEY=KEY.pem in the environment)
  --release-keys A.pub B.pub   the two public keys whose releases this build takes as updates
  --version X.Y.Z              the version that is compiled in
  --min-version X.Y.Z          the lowest version that may be updated to this one (0.1.0)
  --arch x64|arm64             only this architecture
  --agent-only                 no coordinator
  --out FOLDER                 instead of dist/release
`;

/** Paths are the caller's: npm changes into the repository's root and says where it came from. */
const here = (path: string) => resolve(process.env.INIT_CWD ?? process.cwd(), path);
const text = (path: string) => readFileSync(here(path), "utf8");

function optionsOf(args: readonly string[]): ReleaseOptions | "help" {
  const many = { type: "string", multiple: true } as const;
  const one = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      sign: many,
      "release-keys": many,
      version: one,
      "min-version": one,
      arch: one,
      "agent-only": flag,
      out: one,
      help: flag,
    },
  });
  if (values.help) return "help";
  const release = values["release-keys"] === undefined ? [] : [...values["release-keys"], ...positionals];
  if (release.length === 0 && positionals.length > 0) throw new Error(`what is ${positionals[0]} for?\n${USAGE}`);
  if (release.length === 1) throw new Error("--release-keys needs two keys, so that the loss of one strands nobody");
  const arch = values.arch === undefined ? undefined : ARCHES.filter((known) => known === values.arch);
  if (arch?.length === 0) throw new Error(`--arch is x64 or arm64, not ${values.arch}`);
  const signing = values.sign ?? [process.env.FETTLE_SIGNING_KEY ?? ""].filter((path) => path !== "");
  return {
    folder: values.out === undefined ? join(ROOT, "dist/release") : here(values.out),
    sign: signing.map((path) => signingKey(text(path))),
    releaseKeys: release.map((path) => releaseKey(text(path))),
    agentOnly: values["agent-only"] ?? false,
    ...(arch && { arches: arch }),
    ...(values.version && { version: values.version }),
    ...(values["min-version"] && { minVersion: values["min-version"] }),
  };
}

function say({ manifest, archive }: Built): void {
  const size = (manifest.size / 1e6).toFixed(1);
  process.stdout.write(`${archive}\n  ${size} MB, sha256 ${manifest.sha256}\n`);
}

async function build(options: ReleaseOptions): Promise<void> {
  for (const built of await buildRelease(options)) say(built);
  const { sign = [], releaseKeys = [] } = options;
  const signatures = sign.length === 0 ? "unsigned: no agent takes it as an update" : `signed by ${sign.length} key(s)`;
  const kind =
    releaseKeys.length === 0
      ? "a dev build: without --release-keys it takes no signed updates, unless by keys of a machine's own policy"
      : `takes updates signed by one of ${releaseKeys.length} release keys`;
  process.stdout.write(`${signatures}\n${kind}\n`);
}

function keygen(folder: string | undefined): void {
  if (folder === undefined) throw new Error("npm run build -- keygen FOLDER");
  const { secret, open } = makeReleaseKey(here(folder));
  process.stdout.write(`${secret}   the private key (0600): keep it off every coordinator, best off every network
${open}   the public key

Make a second pair elsewhere: agents trust two, so that the loss of one strands nobody. Then build every release with both
public keys compiled in and signed by either private one:

  npm run build -- --release-keys A/fettle-release.pub B/fettle-release.pub --sign ${secret}

Machines with a dev build take releases of this key once their /etc/fettle/agent.yaml names it in policy.releaseKeys:
  ${releaseKey(readFileSync(open, "utf8"))}
`);
}

async function main(args: readonly string[]): Promise<void> {
  if (args[0] === "keygen") return keygen(args[1]);
  const options = optionsOf(args);
  if (options === "help") process.stdout.write(USAGE);
  else await build(options);
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`fettle: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
