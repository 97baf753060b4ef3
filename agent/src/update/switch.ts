import type { Host } from "../system/host.ts";
import { AGENT_UNIT, GUARD_UNIT, guardLink, type UpdateLayout } from "./layout.ts";
import type { UpdateRecord, UpdateRecords } from "./record.ts";
import { keepUnits, putUnits } from "./unit-files.ts";

type SwitchHost = Pick<Host, "files" | "units" | "clock" | "metrics">;

const GUARD_MS = 20_000;
const LOOK_MS = 100;

export interface SwitchOrder {
  readonly from: string;
  readonly version: string;
  readonly token: string;
  /** The unpacked program. */
  readonly folder: string;
}

/**
 * Makes another version the one that runs, up to the restart. What is under way is on disk before the first change, and
 * the guard watches before the link moves: whenever this is cut off, either the version before still runs, or the guard
 * decides. Done again from its start it comes to the same.
 */
export async function switchTo(
  host: SwitchHost,
  layout: UpdateLayout,
  records: UpdateRecords,
  order: SwitchOrder,
): Promise<UpdateRecord> {
  const { files, units } = host;
  const { from, version, token, folder } = order;
  const replaced = await keepUnits(host, layout, folder);
  await records.reserve();
  const now = host.clock.now();
  const { bootId } = await host.metrics.facts();
  const { restarts } = await units.show(AGENT_UNIT);
  const tried = { startedAt: now, bootId, told: false, boots: 1, restarts, units: replaced };
  const record: UpdateRecord = { state: "trial", version, from, token, at: now, ...tried };
  await records.write(record);
  await files.link(from, `${layout.programs}/previous`);
  await putUnits(host, layout, folder, replaced);
  await files.link(`../${GUARD_UNIT}`, guardLink(layout));
  await units.start(GUARD_UNIT);
  await isWatched(host, records, now);
  await files.link(version, `${layout.programs}/current`);
  return record;
}

/** Nothing is switched that nobody watches: a guard that cannot run says nothing. */
async function isWatched({ clock }: SwitchHost, records: UpdateRecords, startedAt: number): Promise<void> {
  for (const end = clock.mono() + GUARD_MS; ; ) {
    if ((await records.watched()) === startedAt) return;
    if (clock.mono() > end) throw new Error(`${GUARD_UNIT} did not begin to watch within ${GUARD_MS / 1000} s`);
    await clock.sleep(LOOK_MS);
  }
}

/** Takes a switch back that was not begun in earnest: the version before runs, and nothing is being tried. */
export async function standDown(host: SwitchHost, layout: UpdateLayout): Promise<void> {
  await host.files.remove(guardLink(layout));
}
