/** A request's JSON, read field by field: whatever is absent or of another type reads as empty. */
import { invalid } from "./reply.ts";

export type Fields = Record<string, unknown>;

export function parseBody(text: string): Fields {
  try {
    return fields(JSON.parse(text)) ?? refuse();
  } catch {
    return refuse();
  }
}

export function fields(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function refuse(): never {
  throw invalid();
}
