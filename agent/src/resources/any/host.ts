import type { RoleName } from "@fettle/shared/roles/roles.ts";
import type { Load } from "../../system/metrics.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, ResourceFinding, Verdict } from "../resource.ts";

interface Observed {
  readonly systemd: boolean;
  readonly diskBytes: number;
  readonly load: Load;
}

interface Sizes {
  readonly diskBytes: number;
  readonly memoryBytes: number;
}

/** Where each role keeps what is large. */
const FOLDERS: Readonly<Record<RoleName, string>> = {
  gitlab: "/var/opt/gitlab",
  gateway: "/var/lib/docker",
  ollama: "/usr/share/ollama",
};
/** A file system and a kernel keep a part of the disk and memory that were bought. */
const NET = 0.9;

/** The machine itself: Linux with systemd, of at least the role's size; smaller is a warning. */
export function host(role: RoleName, sizes: Sizes): Resource<Observed> {
  return define<Observed>({
    id: `${role}.host`,
    declared: sizes,
    observe: (ctx) => observe(ctx, FOLDERS[role]),
    diff: (observed) => diff(observed, role, sizes),
  });
}

async function observe({ host, pass }: ResourceContext, folder: string): Promise<Observed> {
  const [systemd, load, { totalBytes }] = await Promise.all([
    pass.once("host:systemd", () => host.units.available()),
    pass.once("host:load", () => host.metrics.load()),
    host.files.space(folder),
  ]);
  return { systemd, load, diskBytes: totalBytes };
}

function diff({ systemd, load, diskBytes }: Observed, role: RoleName, sizes: Sizes): Verdict {
  if (!systemd)
    return { kind: "blocked", code: "agent.host-unsupported", args: { problem: "systemd is not its first process" } };
  const findings: ResourceFinding[] = [];
  if (diskBytes < sizes.diskBytes * NET) {
    const args = { role, found: gigabytes(diskBytes), wanted: gigabytes(sizes.diskBytes), folder: FOLDERS[role] };
    findings.push({ code: "agent.host-small-disk", args });
  }
  if (load.memoryTotalBytes < sizes.memoryBytes * NET) {
    const args = { role, found: gigabytes(load.memoryTotalBytes), wanted: gigabytes(sizes.memoryBytes) };
    findings.push({ code: "agent.host-small-memory", args });
  }
  return { kind: "in-sync", findings };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(0)} GB`;
}
