import { execute, run } from "./command.ts";
import { LabError } from "./lab-error.ts";

export type Mirror = { url: string; suite: string; components: string[] };

const quiet = { DEBIAN_FRONTEND: "noninteractive" };

/** Installs packages of this machine's distribution; the lists are fetched only where they are missing or old. */
export async function installPackages(names: string[]): Promise<void> {
  const argv = ["apt-get", "install", "--yes", "--no-install-recommends", ...names];
  const first = await execute(argv, { env: quiet, timeoutMs: 300_000 });
  if (first.code === 0) return;
  await updateLists();
  await run(argv, { env: quiet, timeoutMs: 300_000 });
}

/** Where this machine gets its own distribution from, as apt itself understands its configuration. */
export async function machineMirror(): Promise<Mirror> {
  const release = await run(["sh", "-c", '. /etc/os-release && echo "$VERSION_CODENAME"']);
  const targets = await listTargets(release);
  if (targets.length > 0) return mirrorOf(targets, release);
  await updateLists();
  return mirrorOf(await listTargets(release), release);
}

/** The proxy that apt is configured with, for programs that only know the environment. */
export async function proxyEnvironment(): Promise<Record<string, string>> {
  const text = await run(["apt-config", "shell", "http_proxy", "Acquire::http::Proxy"]);
  const proxy = /^http_proxy='(.+)'$/m.exec(text)?.[1];
  return proxy === undefined ? {} : { http_proxy: proxy };
}

function updateLists(): Promise<string> {
  return run(["apt-get", "update"], { env: quiet, timeoutMs: 180_000 });
}

async function listTargets(release: string): Promise<string[][]> {
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
  const printed = await run(["apt-get", "indextargets", "--format", format, "Created-By: Packages"]);
  return printed
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([url = "", suite]) => suite === release && /^https?:/.test(url));
}

function mirrorOf(targets: string[][], release: string): Mirror {
  const url = targets[0]?.[0];
  if (url === undefined) {
    throw new LabError("lab.apt.no-mirror", `apt has no http source for ${release}; the host image is made from one`);
  }
  const components = targets.filter((target) => target[0] === url).map((target) => target[2] ?? "");
  return { url, suite: release, components: [...new Set(components)] };
}
