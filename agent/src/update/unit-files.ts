import type { Host } from "../system/host.ts";
import { GUARD_UNIT, UNITS, type UpdateLayout } from "./layout.ts";

type UnitHost = Pick<Host, "files" | "units">;

const MODE = { mode: 0o644 };

function keptPath({ data }: UpdateLayout, name: string): string {
  return `${data}/units-before/${name}`;
}

/**
 * The units that a version brings and that differ from what is installed; those that are installed are kept first, so
 * that the way back is whole. Name -> whether there was one. A guard that is there stays: the one that watches a version
 * must not be of its making, nor be held to less than it needs.
 */
export async function keepUnits(
  { files }: UnitHost,
  layout: UpdateLayout,
  folder: string,
): Promise<Record<string, boolean>> {
  const replaced: Record<string, boolean> = {};
  for (const name of UNITS) {
    const brought = await files.readText(`${folder}/units/${name}`);
    const there = await files.readText(`${layout.units}/${name}`);
    if (brought === null || brought === there || (name === GUARD_UNIT && there !== null)) continue;
    if (there !== null) await files.writeAtomic(keptPath(layout, name), there, { mode: 0o600 });
    replaced[name] = there !== null;
  }
  return replaced;
}

/** Puts those units in place. */
export async function putUnits(
  host: UnitHost,
  layout: UpdateLayout,
  folder: string,
  replaced: Readonly<Record<string, boolean>>,
): Promise<void> {
  for (const name of Object.keys(replaced)) {
    const brought = await host.files.readText(`${folder}/units/${name}`);
    if (brought !== null) await host.files.writeAtomic(`${layout.units}/${name}`, brought, MODE);
  }
  if (Object.keys(replaced).length > 0) await host.units.daemonReload();
}

/** The guard of a version that has proved itself: it watches what comes next. */
export async function ownGuard({ files, units }: UnitHost, layout: UpdateLayout, version: string): Promise<void> {
  const [path, own] = [`${layout.units}/${GUARD_UNIT}`, `${layout.programs}/${version}/units/${GUARD_UNIT}`];
  const brought = await files.readText(own);
  if (brought === null || brought === (await files.readText(path))) return;
  await files.writeAtomic(path, brought, MODE);
  await units.daemonReload();
}

/** Puts back what was there; a unit that was not there before stays. */
export async function restoreUnits(
  host: UnitHost,
  layout: UpdateLayout,
  replaced: Readonly<Record<string, boolean>>,
): Promise<void> {
  for (const [name, wasThere] of Object.entries(replaced)) {
    if (!UNITS.some((known) => known === name)) continue;
    const before = wasThere ? await host.files.readText(keptPath(layout, name)) : null;
    if (before !== null) await host.files.writeAtomic(`${layout.units}/${name}`, before, MODE);
  }
  if (Object.keys(replaced).length > 0) await host.units.daemonReload();
}
