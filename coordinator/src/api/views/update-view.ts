import type { UpdateView } from "@fettle/shared/api/update.ts";
import type { StackView } from "../types.ts";
import { noteOf } from "./note.ts";

/** The update that was last asked for as people and programs see it; null before the first. Pure. */
export function updateViewOf({ update, rows, views }: StackView): UpdateView | null {
  if (update === null) return null;
  const { row, rollout } = update;
  const { stack, version, by, at, cancelledAt } = row;
  const steps = rollout.steps.map(({ node, state, code, reason }) => {
    const note = code === undefined ? null : noteOf(code, { version }, node);
    const said = views.get(node)?.report?.agent?.version ?? rows.get(node)?.version ?? null;
    const why = note === null ? {} : { code: note.code, text: reason ?? note.text, remedy: note.remedy };
    return { node, version: said, state, ...why };
  });
  const { halted, finished, turn } = rollout;
  return { stack, version, by, at, cancelledAt, steps, now: [...turn], halted, finished };
}
