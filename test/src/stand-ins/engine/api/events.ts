import { parseTime } from "../clock.ts";
import type { Core } from "../core.ts";
import { type EngineEvent, eventLine } from "../events.ts";
import { type Filters, matchesLabels, oneOf, parseFilters } from "../filters.ts";
import type { Call } from "./call.ts";

const FILTERS = [
  "config",
  "container",
  "daemon",
  "event",
  "image",
  "label",
  "network",
  "node",
  "plugin",
  "scope",
  "type",
];

/** Those since a time, then those that come; until a time, or until either side ends it. */
export async function events(call: Call, { events: all, faults, clock }: Core): Promise<void> {
  const filters = parseFilters(call.query.get("filters") ?? "", FILTERS);
  const since = parseTime(call.query.get("since") ?? "");
  const until = parseTime(call.query.get("until") ?? "");
  if (faults().eventsCut) {
    call.request.socket.destroy();
    return;
  }
  const output = call.stream("application/json");
  const before = (event: EngineEvent): boolean => until === undefined || Number(event.timeNano / 1000n) / 1000 <= until;
  const send = (event: EngineEvent): void => {
    if (wanted(event, filters) && before(event)) output.write(eventLine(event));
  };
  if (since !== undefined || until !== undefined) for (const event of all.since(since ?? 0)) send(event);
  const left = until === undefined ? undefined : until - clock();
  if (left !== undefined && left <= 0) {
    output.end();
    return;
  }
  const stop = all.listen(send);
  const forget = all.streaming(() => call.request.socket.destroy());
  const timer = left === undefined ? undefined : setTimeout(() => output.end(), left);
  call.gone.addEventListener("abort", () => {
    stop();
    forget();
    clearTimeout(timer);
  });
}

function wanted({ Type, Action, Actor }: EngineEvent, filters: Filters): boolean {
  const { name = "", image = "" } = Actor.Attributes;
  const [action = ""] = Action.split(":");
  return (
    oneOf(filters, "type", (value) => value === Type) &&
    oneOf(filters, "event", (value) => value === Action || value === action) &&
    oneOf(filters, "container", (value) => Type === "container" && (value === name || Actor.ID.startsWith(value))) &&
    oneOf(filters, "image", (value) => value === image || (Type === "image" && value === name)) &&
    matchesLabels(filters, Actor.Attributes)
  );
}
