import { codes } from "@fettle/shared/codes/codes.ts";
import { render } from "@fettle/shared/codes/render.ts";
import type { Store } from "../store/store.ts";

/** Closes what an earlier life of the agent left open; its resources are looked at again anyway. */
export function closeInterrupted(store: Pick<Store, "runs">, now: number): number {
  const unfinished = store.runs.unfinished();
  for (const { id, phase } of unfinished) {
    const code = "agent.interrupted";
    store.runs.end(id, { outcome: "interrupted", code, reason: render(codes[code].cause, { phase }), endedAt: now });
  }
  return unfinished.length;
}
