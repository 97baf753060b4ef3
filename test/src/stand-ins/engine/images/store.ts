/** The images on this machine, kept in a file of the engine's folder. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { conflict, notFound } from "../errors.ts";
import { shortId } from "../ids.ts";
import { digestOf, type ImageDefinition, imageIdOf } from "./definition.ts";
import { parseReference, written } from "./reference.ts";

export interface LocalImage {
  id: string;
  definition: ImageDefinition;
  /** `repository:tag`, as Docker shows them. */
  tags: string[];
  /** `repository@digest`; none for an image that no registry has given. */
  digests: string[];
  created: string;
  tagged: string;
}

export interface Removal {
  Untagged?: string;
  Deleted?: string;
}

export class ImageStore {
  readonly #file: string;
  readonly #images = new Map<string, LocalImage>();

  constructor(root: string) {
    this.#file = join(root, "images.json");
    for (const image of readImages(this.#file)) this.#images.set(image.id, image);
  }

  all(): LocalImage[] {
    return [...this.#images.values()];
  }

  /** By tag, digest, id or its first digits. */
  find(name: string): LocalImage | undefined {
    const hex = name.replace(/^sha256:/, "");
    const byId = /^[0-9a-f]{4,64}$/.test(hex) ? this.all().find(({ id }) => id.startsWith(`sha256:${hex}`)) : undefined;
    if (byId !== undefined || name.startsWith("sha256:")) return byId;
    const key = written(parseReference(name));
    return this.all().find(({ tags, digests }) => tags.includes(key) || digests.includes(key));
  }

  get(name: string): LocalImage {
    const found = this.find(name);
    if (found === undefined) throw notFound(`No such image: ${withTag(name)}`);
    return found;
  }

  /** Puts an image under the tags; whichever had them before loses them. True when it was not there yet. */
  add(definition: ImageDefinition, tags: readonly string[], fromRegistry: boolean, now: string): boolean {
    const id = imageIdOf(definition);
    const known = this.#images.get(id);
    const image = known ?? { id, definition, tags: [], digests: [], created: now, tagged: now };
    image.definition = definition;
    this.#images.set(id, image);
    const digest = `${parseReference(definition.reference).familiar}@${digestOf(definition)}`;
    if (fromRegistry && !image.digests.includes(digest)) image.digests.push(digest);
    for (const tag of tags) this.#move(tag, image, now);
    this.#save();
    return known === undefined;
  }

  tag(name: string, tag: string, now: string): LocalImage {
    const image = this.get(name);
    this.#move(tag, image, now);
    this.#save();
    return image;
  }

  /** `users`: the containers made from an image. Throws 409 when one of them stands in the way. */
  remove(name: string, force: boolean, users: (id: string) => { id: string; running: boolean }[]): Removal[] {
    const image = this.get(name);
    const byId = name.startsWith("sha256:") || image.id.startsWith(`sha256:${name}`);
    const going = byId ? [...image.tags, ...image.digests] : [written(parseReference(name))];
    const left = image.tags.filter((tag) => !going.includes(tag));
    if (left.length === 0) refuseWhileUsed(image, name, byId, force, users(image.id));
    image.tags = left;
    const last = left.length === 0;
    const removals = (last ? [...going, ...image.digests] : going).map((Untagged): Removal => ({ Untagged }));
    if (last) this.#images.delete(image.id);
    this.#save();
    const unique = removals.filter(
      (one, index) => removals.findIndex((other) => other.Untagged === one.Untagged) === index,
    );
    return last ? [...unique, { Deleted: image.id }] : unique;
  }

  #move(tag: string, to: LocalImage, now: string): void {
    for (const image of this.#images.values()) image.tags = image.tags.filter((one) => one !== tag);
    to.tags.push(tag);
    to.tagged = now;
  }

  #save(): void {
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.all()));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

function refuseWhileUsed(
  image: LocalImage,
  name: string,
  byId: boolean,
  force: boolean,
  users: { id: string; running: boolean }[],
): void {
  const user = users.find(({ running }) => running) ?? users[0];
  if (user === undefined || (force && !user.running)) return;
  const short = shortId(image.id);
  if (!byId && !force) {
    const what = `unable to remove repository reference "${name}" (must force)`;
    throw conflict(`conflict: ${what} - container ${shortId(user.id)} is using its referenced image ${short}`);
  }
  const how = user.running ? "cannot be forced" : "must be forced";
  const kind = user.running ? "running" : "stopped";
  throw conflict(
    `conflict: unable to delete ${short} (${how}) - image is being used by ${kind} container ${shortId(user.id)}`,
  );
}

export function withTag(name: string): string {
  return name.startsWith("sha256:") ? name : written(parseReference(name));
}

function readImages(file: string): LocalImage[] {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as LocalImage[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
