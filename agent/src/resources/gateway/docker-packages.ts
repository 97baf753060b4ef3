import type { Host } from "../../system/host.ts";

/** Programs and packages that are a container engine or a part of one: docker.io would remove or fight them. */
const PROGRAMS = ["dockerd", "podman", "containerd", "crio", "k3s"];
const PACKAGES = [
  ...["docker.io", "docker-ce", "docker-ee", "moby-engine", "docker-engine"],
  ...["podman", "podman-docker", "containerd", "containerd.io", "cri-o"],
];
const SNAP = "/var/lib/snapd/snaps";
const QUERY_MS = 10_000;

/** What of that is on this machine, in words. */
export async function enginesInstalled({ exec, files }: Host): Promise<readonly string[]> {
  const programs = await Promise.all(PROGRAMS.map((name) => exec.find(name)));
  const snaps = ((await files.list(SNAP)) ?? []).filter((name) => /^(docker|microk8s)_/.test(name));
  const found = [...(await packages(exec)), ...programs.filter((path) => path !== null), ...snaps];
  return [...new Set(found)];
}

/** Fails with code 1 for the names that dpkg does not know, which says nothing. */
async function packages(exec: Host["exec"]): Promise<readonly string[]> {
  if ((await exec.find("dpkg-query")) === null) return [];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: these are dpkg-query's placeholders.
  const argv = ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\\n", ...PACKAGES];
  const { stdout } = await exec.run(argv, { timeoutMs: QUERY_MS });
  return stdout.split("\n").flatMap((line) => /^installed (\S+)$/.exec(line)?.[1] ?? []);
}
