import type { EventView } from "@fettle/shared/api/events.ts";
import type { Output } from "../output.ts";
import { time } from "./text.ts";
import { painted } from "./words.ts";

export function eventLine({ at, severity, node, resource, text, code }: EventView, out: Output): string {
  const where = [node, resource].filter((part) => part !== null).join("/");
  const tail = code === null ? "" : ` (${code})`;
  return `${time(at)} ${painted(out, severity, 8)} ${where === "" ? "" : `${where} `}${text.replace(/\s+/g, " ")}${tail}`;
}
