import { openStore, type Store } from "@fettle/agent/store/store.ts";

interface DeathPoint {
  readonly phase: string;
  /** After the phase is on disk. */
  readonly afterMs: number;
  /** null: whatever comes first. */
  readonly resource: string | null;
}

/** `PHASE[+MS][:RESOURCE]`, as in `applying+50:gitlab.token`. */
function parse(text: string): DeathPoint {
  const match = /^(intended|applying|checking|done)(?:\+(\d+))?(?::(.+))?$/.exec(text);
  if (match === null) throw new Error(`FETTLE_SANDBOX_DIE_AT: ${text} is not PHASE[+MS][:RESOURCE]`);
  return { phase: match[1] ?? "", afterMs: Number(match[2] ?? 0), resource: match[3] ?? null };
}

/** A journal whose process is killed once a run's phase is on disk: nothing that comes after it happens. */
export function storeThatDies(text: string): (path: string) => Store {
  const point = parse(text);
  return (path) => {
    const store = openStore(path);
    const resources = new Map<string, string>();
    const reached = (id: string, phase: string): void => {
      const resource = resources.get(id);
      if (phase !== point.phase || resource === undefined || (point.resource ?? resource) !== resource) return;
      if (point.afterMs === 0) die();
      setTimeout(die, point.afterMs);
    };
    const { runs } = store;
    return {
      ...store,
      runs: {
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
      },
    };
  };
}

function die(): void {
  process.kill(process.pid, "SIGKILL");
}
