import * as z from "zod";
import type { Path } from "./problem.ts";
import { stackFile } from "./sections/spec.ts";

export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** The stack file's JSON Schema, for editors and for the reference: what a person writes, not what is stored. */
export const stackJsonSchema: JsonSchema = z.toJSONSchema(stackFile, { io: "input" }) as JsonSchema;

/** Every schema that may describe what is at `path`; several where a value has alternatives. */
export function schemasAt(path: Path): readonly JsonSchema[] {
  let level = alternatives(stackJsonSchema);
  for (const part of path) level = level.flatMap((schema) => child(schema, part)).flatMap(alternatives);
  return level;
}

/** The keys that a map at `path` may have. */
export function keysAt(path: Path): readonly string[] {
  const keys = schemasAt(path).flatMap((schema) => [
    ...Object.keys(schema.properties ?? {}),
    ...(schema.propertyNames?.enum ?? []).map(String),
  ]);
  return [...new Set(keys)];
}

export function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const choices = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  return choices.length === 0 ? [schema] : choices.flatMap(alternatives);
}

function child(schema: JsonSchema, part: string | number): readonly JsonSchema[] {
  if (typeof part === "number") return schema.items === undefined ? [] : [schema.items];
  const own = schema.properties?.[part];
  if (own !== undefined) return [own];
  return typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : [];
}
