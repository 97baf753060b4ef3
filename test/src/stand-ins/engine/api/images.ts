import { ustar } from "../../ollama/ustar.ts";
import { stamp } from "../clock.ts";
import { isUp } from "../containers/record.ts";
import type { Core } from "../core.ts";
import { EngineError, notFound } from "../errors.ts";
import { parseFilters } from "../filters.ts";
import { hashOf } from "../ids.ts";
import { archiveEntries, readArchive } from "../images/archive.ts";
import { parseReference, written } from "../images/reference.ts";
import { withTag } from "../images/store.ts";
import { untar } from "../images/untar.ts";
import { inspectedImage, summarisedImage } from "../images/view.ts";
import type { Call } from "./call.ts";

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

export async function save(call: Call, { images }: Core): Promise<void> {
  const image = images.get(call.params[0] ?? "");
  const output = call.stream("application/x-tar");
  for await (const piece of ustar(archiveEntries(image.definition, image.tags))) output.write(piece);
  output.end();
}

export async function load(call: Call, { images, events, clock, faults }: Core): Promise<void> {
  const files = untar(await bytesOf(call));
  if (!files.some(({ name }) => name === "manifest.json"))
    throw new EngineError(500, "open manifest.json: no such file or directory");
  const archived = readArchive(files);
  if (archived === null) throw notFound("the stand-in loads only what it has saved itself");
  const { definition } = archived;
  const own = { ownManifest: true, id: `sha256:${hashOf("a manifest of its own", definition)}` };
  const loaded = faults().containerdStore === true ? { ...definition, ...own } : definition;
  images.add(loaded, archived.tags, false, stamp(clock()));
  const output = call.stream("application/json");
  for (const name of archived.tags) {
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
