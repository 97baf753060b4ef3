import { readFileSync } from "node:fs";
import { buildASTSchema, type DocumentNode, type GraphQLSchema, Kind, parse } from "graphql";

/** The GitLab generations whose schema is kept whole as data. */
export const GENERATIONS = ["17.9", "18.8", "19.5"] as const;
/** Older or first releases, told as their difference from 17.9. */
export const VARIANTS = ["17.5", "17.8", "17.9.0"] as const;
export type Generation = (typeof GENERATIONS)[number] | (typeof VARIANTS)[number];

type Edit = (sdl: string) => string;

/** 17.8 and older have neither the query nor the mutation: the gateway's URL is an environment variable there. */
const withoutDuoSettings: Edit = (sdl) => withoutLines(sdl, /^ {2}(duoSettings: DuoSettings|duoSettingsUpdate\(.*)$/gm);
/** 17.4 and 17.5 take one feature, and cannot test a connection yet. */
const singleFeature: Edit = (sdl) =>
  withoutLines(
    sdl.replace("features: [AiFeatures!]!", "feature: AiFeatures!"),
    /^ {2}aiSelfHostedModelConnectionCheck\(.*$/gm,
  );
/** The first 17.9 release answered with the URL instead of the settings. */
const urlPayload: Edit = (sdl) => sdl.replace("duoSettings: DuoSettings!", "aiGatewayUrl: String");

const SOURCES: Record<Generation, { file: string; edits: readonly Edit[] }> = {
  "17.5": { file: "17.9", edits: [withoutDuoSettings, singleFeature] },
  "17.8": { file: "17.9", edits: [withoutDuoSettings] },
  "17.9.0": { file: "17.9", edits: [urlPayload] },
  "17.9": { file: "17.9", edits: [] },
  "18.8": { file: "18.8", edits: [] },
  "19.5": { file: "19.5", edits: [] },
};

/** From which version on each one holds. */
const SINCE: readonly { from: readonly [number, number, number]; generation: Generation }[] = [
  { from: [19, 0, 0], generation: "19.5" },
  { from: [18, 0, 0], generation: "18.8" },
  { from: [17, 9, 1], generation: "17.9" },
  { from: [17, 9, 0], generation: "17.9.0" },
  { from: [17, 6, 0], generation: "17.8" },
  { from: [0, 0, 0], generation: "17.5" },
];

const built = new Map<Generation, GraphQLSchema>();

/** The executable schema of one generation; built once. */
export function loadSchema(generation: Generation): GraphQLSchema {
  const known = built.get(generation);
  if (known) return known;
  const schema = buildASTSchema(loadDocument(generation));
  built.set(generation, schema);
  return schema;
}

/** The values of an enum of that generation; empty when it has no such enum. */
export function enumValues(generation: Generation, name: string): string[] {
  for (const definition of loadDocument(generation).definitions) {
    if (definition.kind !== Kind.ENUM_TYPE_DEFINITION || definition.name.value !== name) continue;
    return (definition.values ?? []).map((value) => value.name.value);
  }
  return [];
}

/** Which schema a GitLab of this version, as in `18.8.2-ee`, answers with. */
export function generationOf(version: string): Generation {
  const parts = version.split(/[.-]/).map(Number);
  const at = [parts[0] ?? 0, parts[1] ?? 0, parts[2] ?? 0] as const;
  const found = SINCE.find(({ from }) => compare(at, from) >= 0);
  return found?.generation ?? "17.5";
}

const documents = new Map<Generation, DocumentNode>();

function loadDocument(generation: Generation): DocumentNode {
  const known = documents.get(generation);
  if (known) return known;
  const source = SOURCES[generation];
  const sdl = readFileSync(new URL(`./schema/${source.file}.graphql`, import.meta.url), "utf8");
  const document = parse(
    source.edits.reduce((text, edit) => edit(text), sdl),
    { noLocation: true },
  );
  documents.set(generation, document);
  return document;
}

function withoutLines(sdl: string, lines: RegExp): string {
  const shorter = sdl.replace(lines, "");
  if (shorter === sdl) throw new Error(`the schema has no line like ${lines}`);
  return shorter;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
