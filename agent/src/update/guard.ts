import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Host } from "../system/host.ts";
import type { UnitState } from "../system/units.ts";
import { BOOTS, crashes, type GuardDecision, guardDecision, TRIAL_MS } from "./guard-decision.ts";
import { howItEnded, lastWords, linesOfTrial } from "./last-words.ts";
import { AGENT_UNIT, guardLink, type UpdateLayout } from "./layout.ts";
import { type UpdateRecord, UpdateRecords } from "./record.ts";
import { restoreUnits } from "./unit-files.ts";

type GuardHost = Pick<Host, "files" | "units" | "clock" | "metrics">;

const LOOK_MS = 500;
const RESTART_MS = 60_000;
const MAX_REASON = 2_000;

/**
 * Watches a new version of the agent from the program of the version before. Looks at what is, every time: killed and
 * started again it comes to the same. Resolves when nothing is being tried any more; rejects only with the signal's
 * reason, since whatever else fails is tried again.
 */
export async function guard(
  host: GuardHost,
  layout: UpdateLayout,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const records = new UpdateRecords(host.files, layout);
  const { bootId } = await host.metrics.facts();
  const begun = host.clock.mono();
  let watched = 0;
  for (;;) {
    const record = await records.read();
    const agent = await host.units.show(AGENT_UNIT).catch(() => null);
    const watchedMs = host.clock.mono() - begun;
    const decision = guardDecision({ record, bootId, now: host.clock.now(), watchedMs, agent });
    if (decision.kind === "stand-down" || record === null) break;
    try {
      if (record.startedAt !== watched) await records.noteWatched(record.startedAt);
      watched = record.startedAt;
      if (decision.kind === "new-boot") await noteBoot(host, records, record, bootId);
      if (decision.kind === "go-back")
        await goBack(host, layout, records, await reasoned(host, layout, record, decision, agent), say);
    } catch (error) {
      say(`not yet: ${messageOf(error)}`);
    }
    await host.clock.sleep(LOOK_MS, signal);
  }
  await host.files.remove(guardLink(layout)).catch(() => undefined);
  await records.release().catch(() => undefined);
}

async function noteBoot(
  { clock }: GuardHost,
  records: UpdateRecords,
  record: UpdateRecord,
  bootId: string,
): Promise<void> {
  await records.write({ ...record, bootId, boots: record.boots + 1, startedAt: clock.now(), restarts: 0 });
}

/** With why, told once: the words are those of the version that did not work, not of the one that is put back. */
async function reasoned(
  host: GuardHost,
  layout: UpdateLayout,
  record: UpdateRecord,
  { why }: Extract<GuardDecision, { kind: "go-back" }>,
  agent: UnitState | null,
): Promise<UpdateRecord> {
  if (why === "begun") return record;
  const { version, from } = record;
  const lines = await linesOfTrial(host);
  const args = { version, from, how: howItEnded(agent, lines), said: await lastWords(host, layout, lines) };
  const error = {
    crashed: () => new FettleError("update.crashed", { ...args, times: agent === null ? 0 : crashes(record, agent) }),
    late: () => new FettleError("update.not-connected", { ...args, seconds: TRIAL_MS / 1000 }),
    rebooted: () => new FettleError("update.rebooted", { version, from, times: BOOTS }),
  }[why]();
  const reason = error.message.slice(0, MAX_REASON);
  return { ...record, state: "going-back", at: host.clock.now(), code: error.code, reason };
}

/**
 * Puts the version before back. The intention is written first, on a full disk into the room that was reserved; a disk
 * that takes nothing at all does not stop the way back, which needs no room.
 */
async function goBack(
  host: GuardHost,
  layout: UpdateLayout,
  records: UpdateRecords,
  record: UpdateRecord,
  say: (line: string) => void,
): Promise<void> {
  say(`back to ${record.from}: ${record.reason ?? ""}`);
  await records.release();
  await records.write(record).catch((error: unknown) => say(`not written down: ${messageOf(error)}`));
  await host.files.link(record.from, `${layout.programs}/current`);
  await restoreUnits(host, layout, record.units).catch((error: unknown) => say(`units stay: ${messageOf(error)}`));
  await host.units.resetFailed(AGENT_UNIT).catch(() => undefined);
  await host.units.restart(AGENT_UNIT, { timeoutMs: RESTART_MS });
  await records.write({ ...record, state: "rolled-back", at: host.clock.now() });
  say(`${record.from} runs again`);
}
