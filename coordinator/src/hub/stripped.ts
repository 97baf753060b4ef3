import { printable } from "@fettle/shared/lib/printable.ts";

/** The same value with every text in it, keys included, made printable: what agents say ends on people's screens. */
export function stripped<T>(value: T): T {
  return strip(value) as T;
}

function strip(value: unknown): unknown {
  if (typeof value === "string") return printable(value);
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(strip);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [printable(key), strip(item)]));
}
