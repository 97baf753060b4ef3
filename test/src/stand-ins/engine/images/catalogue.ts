/** What the registries have. A file is read again at each look, so that a test publishes an image by writing it. */
import { readFileSync } from "node:fs";
import { digestOf, type ImageDefinition } from "./definition.ts";
import { HUB_HOST, parseReference, type Reference, registryOf } from "./reference.ts";

export class Catalogue {
  readonly #source: string | readonly ImageDefinition[];

  constructor(source: string | readonly ImageDefinition[]) {
    this.#source = source;
  }

  all(): readonly ImageDefinition[] {
    if (typeof this.#source !== "string") return this.#source;
    return JSON.parse(readFileSync(this.#source, "utf8")) as ImageDefinition[];
  }

  find(wanted: Reference): ImageDefinition | undefined {
    return this.all().find((definition) => {
      const { repository, tag } = parseReference(definition.reference);
      if (repository !== wanted.repository) return false;
      return wanted.digest === undefined ? tag === wanted.tag : digestOf(definition) === wanted.digest;
    });
  }

  hasRepository(wanted: Reference): boolean {
    return this.all().some(({ reference }) => parseReference(reference).repository === wanted.repository);
  }

  /** Whether that registry exists at all: Docker Hub does, and each that has an image here. */
  hasRegistry(wanted: Reference): boolean {
    const host = registryOf(wanted);
    return host === HUB_HOST || this.all().some(({ reference }) => registryOf(parseReference(reference)) === host);
  }
}
