import { setTimeout as delay } from "node:timers/promises";

const TRIES = 5;
const PAUSE_MS = 200;

/**
 * Tries again while another process (a backup, a shell) holds the database. Everything in a transaction is undone
 * before the next try, so `work` may run more than once.
 */
export async function unbusy<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error) || tries === TRIES) throw error;
      await delay(PAUSE_MS * tries);
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^SQLITE_(BUSY|LOCKED)/.test(String(error.code));
}
