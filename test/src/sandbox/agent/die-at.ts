import { writeSync } from "node:fs";
import { openStore, type Store } from "@fettle/agent/store/store.ts";

interface DeathPoint {
  readonly name: string;
  readonly phase: string;
  /** After the phase is on disk. */
  readonly afterMs: number;
  /** null: whatever comes first. */
  readonly resource: string | null;
}

/** `PHASE[+MS][:RESOURCE]`, as in `applying+50:gitlab.token`; several with spaces between them. */
function parse(text: string): DeathPoint[] {
  return text.split(" ").map((name) => {
    const match = /^(intended|applying|checking|done)(?:\+(\d+))?(?::(.+))?$/.exec(name);
    if (match === null) throw new Error(`FETTLE_SANDBOX_DIE_AT: ${name} is not PHASE[+MS][:RESOURCE]`);
    return { name, phase: match[1] ?? "", afterMs: Number(match[2] ?? 0), resource: match[3] ?? null };
  });
}

/** A journal whose process is killed once a run's phase is on disk: nothing that comes after it happens. */
export function storeThatDies(text: string): (path: string) => Store {
  const points = parse(text);
  return (path) => {
    const store = openStore(path);
    const resources = new Map<string, string>();
    const reached = (id: string, phase: string): void => {
      const resource = resources.get(id);
      if (resource === undefined) return;
      for (const point of points) {
        if (point.phase !== phase || (point.resource ?? resource) !== resource) continue;
        if (point.afterMs === 0) die(point);
        setTimeout(() => die(point), point.afterMs);
      }
    };
    return { ...store, runs: watched(store.runs, resources, reached) };
  };
}

function watched(
  runs: Store["runs"],
  resources: Map<string, string>,
  reached: (id: string, phase: string) => void,
): Store["runs"] {
  return {
    ...runs,
    intend(run) {
      runs.intend(run);
      resources.set(run.id, run.resource);
      reached(run.id, "intended");
    },
    phase(id, phase) {
      runs.phase(id, phase);
      reached(id, phase);
    },
    end(id, end) {
      runs.end(id, end);
      reached(id, "done");
    },
  };
}

/** Its last word says where it was. */
function die({ name }: DeathPoint): void {
  writeSync(2, `died at ${name}\n`);
  process.kill(process.pid, "SIGKILL");
}
