import { readFileSync } from "node:fs";
import { buildASTSchema, type DocumentNode, type GraphQLSchema, Kind, parse, visit } from "graphql";

/** The GitLab generations whose schema is kept whole as data. */
export const GENERATIONS = ["17.9", "18.8", "19.5"] as const;
/** Older or first releases, told as their difference from 17.9. */
export const VARIANTS = ["17.5", "17.8", "17.9.0"] as const;
export type Generation = (typeof GENERATIONS)[number] | (typeof VARIANTS)[number];

interface Source {
  file: string;
  /** Fields, as in `Query.duoSettings`, that it has not. */
  without?: readonly string[];
  instead?: readonly [string, string];
}

/** 17.8 and older have neither the query nor the mutation: the gateway's URL is an environment variable there. */
const DUO_SETTINGS = ["Query.duoSettings", "Mutation.duoSettingsUpdate"];

const SOURCES: Record<Generation, Source> = {
  // One feature at a time, and no test of a connection yet.
  "17.5": {
    file: "17.9",
    without: [...DUO_SETTINGS, "Mutation.aiSelfHostedModelConnectionCheck"],
    instead: ["features: [AiFeatures!]!", "feature: AiFeatures!"],
  },
  "17.8": { file: "17.9", without: DUO_SETTINGS },
  // The first 17.9 release answered with the URL instead of the settings.
  "17.9.0": { file: "17.9", instead: ["duoSettings: DuoSettings!", "aiGatewayUrl: String"] },
  "17.9": { file: "17.9" },
  "18.8": { file: "18.8" },
  "19.5": { file: "19.5" },
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
  const { file, without, instead } = SOURCES[generation];
  let sdl = readFileSync(new URL(`./schema/${file}.graphql`, import.meta.url), "utf8");
  if (instead) sdl = sdl.replace(...instead);
  const document = withoutFields(parse(sdl, { noLocation: true }), without ?? []);
  documents.set(generation, document);
  return document;
}

function withoutFields(document: DocumentNode, fields: readonly string[]): DocumentNode {
  return visit(document, {
    ObjectTypeDefinition: (type) => ({
      ...type,
      fields: type.fields?.filter((field) => !fields.includes(`${type.name.value}.${field.name.value}`)),
    }),
  });
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
