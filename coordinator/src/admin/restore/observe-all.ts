import * as yaml from "yaml";
import type { StackRow } from "../../store/stacks.ts";
import type { Queries } from "../../store/store.ts";

/** A stack and its revision that only observes. */
export interface Observing {
  readonly stack: string;
  readonly revision: number;
}

const WHO = "restore";

/** Every stack that enforces gets a revision that is the same but for `mode: observe`. */
export async function observeAll(queries: Queries, at: number): Promise<Observing[]> {
  const all: Observing[] = [];
  for (const row of await queries.stacks.all()) all.push(await observe(queries, row, at));
  return all;
}

async function observe(queries: Queries, row: StackRow, at: number): Promise<Observing> {
  const { stack, revision: basedOn } = row;
  const declared = JSON.parse(row.spec) as { mode?: string };
  if (declared.mode === "observe") return { stack, revision: basedOn };
  const spec = JSON.stringify({ ...declared, mode: "observe" });
  const source = observing(row.source);
  const revision = basedOn + 1;
  await queries.stacks.put({ stack, basedOn, spec, source, at });
  await queries.revisions.add({ stack, revision, spec, source, by: WHO, at });
  const track = await queries.imageTracks.get(stack, basedOn);
  if (track !== null) await queries.imageTracks.latch({ stack, revision, track, at });
  return { stack, revision };
}

/** The operator's own text with that one word in it changed. */
function observing(source: string): string {
  const document = yaml.parseDocument(source);
  document.setIn(["spec", "mode"], "observe");
  return document.toString({ lineWidth: 0 });
}
