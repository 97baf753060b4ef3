import * as z from "zod";
import { type GitlabDocument, INTROSPECTED } from "./documents.ts";

const members = z.array(z.object({ name: z.string() })).nullish();
const type = z
  .object({ name: z.string(), fields: members, inputFields: members, enumValues: members })
  .nullish()
  .catch(null);
const introspection = z.looseObject({ metadata: z.object({ version: z.string() }).nullish() });

/** What one GitLab's API has, as far as Fettle relies on it. */
export class GitlabSchema {
  /** As in `18.8.2-ee`; empty when GitLab does not say it. */
  readonly version: string;
  readonly #members: ReadonlySet<string>;

  constructor(version: string, members: Iterable<string>) {
    this.version = version;
    this.#members = new Set(members);
  }

  /** `Type.member`: a field, an input field or an enum's value. */
  has(member: string): boolean {
    return this.#members.has(member);
  }

  /** The values of an enum, or the members of any other type. */
  membersOf(name: string): readonly string[] {
    return [...this.#members].filter((one) => one.startsWith(`${name}.`)).map((one) => one.slice(name.length + 1));
  }

  /** The first document whose needs are met; null when this GitLab has none of them. */
  pick(documents: readonly GitlabDocument[]): GitlabDocument | null {
    return documents.find(({ needs }) => needs.every((one) => this.has(one))) ?? null;
  }
}

/** From the answer to `SCHEMA`. */
export function schemaFrom(data: unknown): GitlabSchema {
  const parsed = introspection.parse(data);
  const found = Object.keys(INTROSPECTED).flatMap((alias) => {
    const one = type.parse(parsed[alias]);
    const all = [...(one?.fields ?? []), ...(one?.inputFields ?? []), ...(one?.enumValues ?? [])];
    return all.map(({ name }) => `${one?.name}.${name}`);
  });
  return new GitlabSchema(parsed.metadata?.version ?? "", found);
}
