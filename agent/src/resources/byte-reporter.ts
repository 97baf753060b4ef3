import type { Host } from "../system/host.ts";
import type { Reporter } from "./resource.ts";

const REPORT_EVERY_MS = 500;

/** Tells how far a download is: bytes, rate and time left. */
export function byteReporter({ clock }: Pick<Host, "clock">, reporter: Reporter, text: string) {
  const startedAt = clock.mono();
  let first: number | null = null;
  let saidAt = 0;
  return (done: number, total: number | null): void => {
    first ??= done;
    const now = clock.mono();
    if (now - saidAt < REPORT_EVERY_MS) return;
    saidAt = now;
    const bytesPerSecond = Math.round(((done - first) / Math.max(1, now - startedAt)) * 1000);
    const left =
      total === null || bytesPerSecond === 0 ? {} : { secondsLeft: Math.round((total - done) / bytesPerSecond) };
    reporter.progress({
      text,
      doneBytes: done,
      ...(total === null ? {} : { totalBytes: total }),
      bytesPerSecond,
      ...left,
    });
  };
}
