import { readdirSync, readFileSync } from "node:fs";

/** What a person's own terminal may have of it, told so by the sandbox, and whatever is started from there has too. */
const OF_A_PERSON = /^(PATH|FETTLE_RUN|PWD|OLDPWD|_)=/;

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
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return environment.some((entry) => entry.includes(`${folder}/`) && !OF_A_PERSON.test(entry));
  } catch {
    return false;
  }
}
