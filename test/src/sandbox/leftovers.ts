import { readdirSync, readFileSync } from "node:fs";

/**
 * Ends every process that was started for the sandbox in `folder`, known by its environment: a container outlives an
 * Engine that is killed, and nothing here may outlive its sandbox.
 */
export function endLeftovers(folder: string): void {
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid || !belongsTo(pid, folder)) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

function belongsTo(pid: number, folder: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").includes(`${folder}/`);
  } catch {
    return false;
  }
}
