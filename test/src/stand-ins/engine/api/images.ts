import { type Entry, ustar } from "../../ollama/ustar.ts";
import { stamp } from "../clock.ts";
import { isUp } from "../containers/record.ts";
import type { Core } from "../core.ts";
import { EngineError, notFound } from "../errors.ts";
import { parseFilters } from "../filters.ts";
import type { ImageDefinition } from "../images/definition.ts";
import { parseReference, written } from "../images/reference.ts";
import { withTag } from "../images/store.ts";
import { untar } from "../images/untar.ts";
import { inspectedImage, summarisedImage } from "../images/view.ts";
import type { Call } from "./call.ts";

/** Where an archive of the stand-in's keeps what a real one has in its layers. */
const DEFINITION = "stand-in.json";

export async function list(call: Call, { images, containers }: Core): Promise<void> {
  const filters = parseFilters(call.query.get("filters") ?? "", ["reference", "dangling", "label", "before", "since"]);
  const wanted = filters.reference?.map((name) => (name.includes(":") ? withTag(name) : name));
  const found = images.all().filter(({ tags }) => {
    return (
      wanted === undefined || tags.some((tag) => wanted.some((name) => tag === name || tag.startsWith(`${name}:`)))
    );
  });
  const usersOf = (id: string): number => containers.all().filter(({ imageId }) => imageId === id).length;
  call.answer(
    200,
    found.map((image) => summarisedImage(image, usersOf(image.id))),
  );
}

export async function inspect(call: Call, { images, architecture }: Core): Promise<void> {
  call.answer(200, inspectedImage(images.get(call.params[0] ?? ""), architecture()));
}

export async function tag(call: Call, { images, events, clock }: Core): Promise<void> {
  const name = `${call.query.get("repo") ?? ""}:${call.query.get("tag") || "latest"}`;
  const tagged = written(parseReference(name));
  const image = images.tag(call.params[0] ?? "", tagged, stamp(clock()));
  events.emit("image", "tag", image.id, { name: tagged });
  call.answer(201);
}

export async function remove(call: Call, { images, containers, events }: Core): Promise<void> {
  const force = ["1", "true"].includes(call.query.get("force") ?? "");
  const users = (id: string): { id: string; running: boolean }[] =>
    containers
      .all()
      .filter(({ imageId }) => imageId === id)
      .map((one) => ({ id: one.id, running: isUp(one) }));
  const { id } = images.get(call.params[0] ?? "");
  const removals = images.remove(call.params[0] ?? "", force, users);
  for (const { Untagged, Deleted } of removals) {
    events.emit("image", Untagged === undefined ? "delete" : "untag", id, { name: Untagged ?? Deleted ?? "" });
  }
  call.answer(200, removals);
}

/** An archive as `docker save` writes it, with the definition in the place of layers. */
export async function save(call: Call, { images }: Core): Promise<void> {
  const image = images.get(call.params[0] ?? "");
  const manifest = [{ Config: `${image.id.slice(7)}.json`, RepoTags: image.tags, Layers: [] }];
  const entry = (path: string, value: unknown): Entry => ({ path, content: JSON.stringify(value) });
  const output = call.stream("application/x-tar");
  for await (const piece of ustar([entry("manifest.json", manifest), entry(DEFINITION, image.definition)])) {
    output.write(piece);
  }
  output.end();
}

export async function load(call: Call, { images, events, clock }: Core): Promise<void> {
  const files = untar(await bytesOf(call));
  const manifest = files.find(({ name }) => name === "manifest.json");
  const definition = files.find(({ name }) => name === DEFINITION);
  if (manifest === undefined) throw new EngineError(500, "open manifest.json: no such file or directory");
  if (definition === undefined) throw notFound("the stand-in loads only what it has saved itself");
  const [{ RepoTags }] = JSON.parse(manifest.content.toString()) as [{ RepoTags: string[] }];
  const parsed = JSON.parse(definition.content.toString()) as ImageDefinition;
  images.add(parsed, RepoTags, false, stamp(clock()));
  const output = call.stream("application/json");
  for (const name of RepoTags) {
    events.emit("image", "load", name, { name });
    output.write(`${JSON.stringify({ stream: `Loaded image: ${name}\n` })}\r\n`);
  }
  output.end();
}

async function bytesOf({ request }: Call): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
