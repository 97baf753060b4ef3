/** Docker's restart policies: whether a container that ended starts again, and after how long. Pure. */
import type { ContainerRecord } from "./record.ts";

const FIRST_MS = 100;
const LONGEST_MS = 60_000;
/** A run of this length forgets the waits before it. */
const STABLE_MS = 10_000;

export function restarts({ host, state, manuallyStopped, restartCount }: ContainerRecord): boolean {
  const { Name, MaximumRetryCount } = host.RestartPolicy;
  if (Name === "always") return true;
  if (Name === "unless-stopped") return !manuallyStopped;
  const triesLeft = MaximumRetryCount === 0 || restartCount < MaximumRetryCount;
  return Name === "on-failure" && state.exitCode !== 0 && triesLeft;
}

export function nextWait(previousMs: number, ranMs: number): number {
  if (previousMs === 0 || ranMs >= STABLE_MS) return FIRST_MS;
  return Math.min(previousMs * 2, LONGEST_MS);
}
