import { readFileSync } from "node:fs";
import { alternatives, type JsonSchema, stackJsonSchema } from "../../shared/src/stack/json-schema.ts";
import { RESERVED_KEYS } from "../../shared/src/stack/reserved.ts";

const EXAMPLE = new URL("../../shared/src/stack/example.yaml", import.meta.url);

/** docs/stack-file.md: the commented example, then every key with its type, its default and what it does. */
export function stackFilePage(): string {
  const example = readFileSync(EXAMPLE, "utf8");
  const reserved = RESERVED_KEYS.map((key) => `* \`${key}\``).join("\n");
  return [
    HEAD,
    "```yaml",
    example.trimEnd(),
    "```\n",
    KEYS,
    ...rows(stackJsonSchema, ""),
    "",
    LATER,
    `${reserved}\n`,
  ].join("\n");
}

const HEAD = `# The stack file

<!-- Written by scripts/docs.ts from shared/src/stack; change it there. -->

One YAML file declares the whole stack. \`fettle plan -f stack.yaml\` shows what it would change, \`fettle apply -f stack.yaml\`
makes it so, and \`fettle schema > stack.schema.json\` gives your editor the schema that this page is written from.
Every mistake is reported with its line and column, all of them at once. Taking something out of the file releases it:
Fettle stops looking after it and deletes nothing.
`;

const KEYS = `## Keys

A name in capitals stands for a key that you choose; \`[]\` for each entry of a list.

| key | value | default | what it does |
|---|---|---|---|`;

const LATER = `## Reserved keys

These come with later versions; using one today is the error \`stack.not-yet\`.
`;

function rows(schema: JsonSchema, path: string): string[] {
  return alternatives(schema).flatMap((choice) => [
    ...Object.entries(choice.properties ?? {}).flatMap(([key, child]) =>
      row(child, join(path, key), isRequired(choice, key)),
    ),
    ...others(choice, path),
  ]);
}

function isRequired(schema: JsonSchema, key: string): boolean {
  return schema.required?.includes(key) === true;
}

/** What stands under keys of the operator's own, or in a list. */
function others(schema: JsonSchema, path: string): string[] {
  const named = schema.additionalProperties;
  const under = typeof named === "object" ? row(named, join(path, keyWord(schema, path)), false) : [];
  const listed = schema.items === undefined ? [] : rows(schema.items, `${path}[]`);
  return [...under, ...listed];
}

function row(schema: JsonSchema, path: string, required: boolean): string[] {
  const fallback = schema.default === undefined ? (required ? "required" : "") : code(JSON.stringify(schema.default));
  const line = `| \`${path}\` | ${cell(valueText(schema))} | ${fallback} | ${cell(schema.description ?? "")} |`;
  return [line, ...rows(schema, path)];
}

function valueText(schema: JsonSchema): string {
  const choices = alternatives(schema).map((choice) => {
    if (choice.const !== undefined) return code(String(choice.const));
    if (choice.enum !== undefined) return choice.enum.map((value) => code(String(value))).join(", ");
    if (choice.type === "object") return "map";
    if (choice.type === "array") return "list";
    return `${WORDS[String(choice.type)] ?? String(choice.type)}${range(choice)}`;
  });
  return [...new Set(choices)].join(" or ");
}

const WORDS: Readonly<Record<string, string>> = { string: "text", boolean: "true or false", integer: "number" };

function range({ minimum, maximum, type }: JsonSchema): string {
  const bounded = type === "integer" && minimum !== undefined && maximum !== undefined;
  return bounded ? `, ${minimum} to ${maximum}` : "";
}

function keyWord({ propertyNames }: JsonSchema, path: string): string {
  if (propertyNames?.enum !== undefined) return "FEATURE";
  return path.endsWith("env") ? "VARIABLE" : "NAME";
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
