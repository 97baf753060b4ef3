/** The `filters` of a request: `{"label":["a=b"]}`, or with an older client `{"label":{"a=b":true}}`. */
import { badRequest } from "./errors.ts";
import { record, texts } from "./json.ts";

export type Filters = Record<string, string[]>;

export function parseFilters(text: string, allowed: readonly string[]): Filters {
  if (text === "") return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw badRequest("invalid filter");
  }
  const filters = Object.fromEntries(
    Object.entries(record(parsed)).map(([key, values]) => [
      key,
      Array.isArray(values) ? texts(values) : Object.keys(record(values)),
    ]),
  );
  const unknown = Object.keys(filters).find((key) => !allowed.includes(key));
  if (unknown !== undefined) throw badRequest(`invalid filter '${unknown}'`);
  return filters;
}

/** Each value of `label` must hold: `key`, or `key=value`. */
export function matchesLabels(filters: Filters, labels: Record<string, string>): boolean {
  return (filters.label ?? []).every((wanted) => {
    const at = wanted.indexOf("=");
    if (at < 0) return labels[wanted] !== undefined;
    return labels[wanted.slice(0, at)] === wanted.slice(at + 1);
  });
}

export function oneOf(filters: Filters, key: string, test: (value: string) => boolean): boolean {
  const values = filters[key];
  return values === undefined || values.length === 0 || values.some(test);
}
