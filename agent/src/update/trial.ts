import type { Host } from "../system/host.ts";
import { DONE_BEFORE_MS, sinceMs } from "./guard-decision.ts";
import { GUARD_UNIT, guardLink, type UpdateLayout } from "./layout.ts";
import type { UpdateRecord, UpdateRecords } from "./record.ts";

type TrialHost = Pick<Host, "files" | "units" | "clock" | "metrics">;

/** So long a new version has to be connected and well before it says so. */
const WELL_MS = 10_000;
const LOOK_MS = 250;

/**
 * The new version's part: it says done when it was well for 10 s without a break. Resolves with what is on disk when the
 * trial is over, either way; the guard ends this process when it is not done in time.
 */
export async function trial(
  host: TrialHost,
  layout: UpdateLayout,
  records: UpdateRecords,
  isWell: () => boolean,
  signal: AbortSignal,
): Promise<UpdateRecord | null> {
  await ensureGuard(host, layout);
  const begun = host.clock.mono();
  for (let wellFrom: number | null = null; ; ) {
    const record = await records.read();
    if (record?.state !== "trial") return record;
    const now = host.clock.mono();
    wellFrom = isWell() ? (wellFrom ?? now) : null;
    const inTime = sinceMs(record, host.clock.now(), now - begun) < DONE_BEFORE_MS;
    if (inTime && wellFrom !== null && now - wellFrom >= WELL_MS) {
      // What cannot be written down is not done: the guard decides, unless the disk takes it in time.
      const ended = await done(host, records, record).catch(() => null);
      if (ended !== null) return ended;
    }
    await host.clock.sleep(LOOK_MS, signal);
  }
}

/** The switch has started it; it can have been killed between the two, or not have come up with the machine. */
async function ensureGuard({ units, files }: TrialHost, layout: UpdateLayout): Promise<void> {
  await files.link(`../${GUARD_UNIT}`, guardLink(layout)).catch(() => undefined);
  await units.start(GUARD_UNIT).catch(() => undefined);
}

async function done({ clock }: TrialHost, records: UpdateRecords, record: UpdateRecord): Promise<UpdateRecord> {
  const ended: UpdateRecord = { ...record, state: "done", at: clock.now() };
  await records.write(ended);
  await records.raiseNewest(record.version);
  return ended;
}
