import { mirrorDropRoute } from "@fettle/shared/api/mirror.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { sha256Hex } from "@fettle/shared/lib/sha256.ts";
import { type BlobRef, blobsOfManifest } from "@fettle/shared/mirror/model-manifest.ts";
import { MODEL_REGISTRY, parseModelName, shortModelName } from "@fettle/shared/roles/model-name.ts";
import { RemoteError } from "../client.ts";
import { type ModelsSource, modelsSource } from "../models-source.ts";
import { type FileToSend, sendFile } from "../send-file.ts";
import type { Session } from "../session.ts";
import { usage } from "../where.ts";
import { add } from "./mirror-add.ts";

type Send = (file: FileToSend) => Promise<void>;

/** A model out of an Ollama's models folder, or a tar of it. Of one that is refused no file stays at the coordinator. */
export async function addModel(session: Session, name: string, from: string): Promise<number> {
  const sent: string[] = [];
  const send: Send = async (file) => {
    if (await sendFile(session, file)) sent.push(file.sha256);
  };
  try {
    const sha256 = await sendModel(name, from, send);
    return await add(session, { kind: "model", name: shortModelName(name), sha256 });
  } catch (error) {
    if (isRefusal(error)) await takeBack(session, sent);
    throw error;
  }
}

/** What cannot be taken back now, the coordinator removes after a day. */
async function takeBack({ api }: Session, sent: readonly string[]): Promise<void> {
  for (const sha256 of sent) await api.call(mirrorDropRoute, { params: { sha256 } }).catch(() => undefined);
}

/** Not so a cut: the next try goes on with what came whole. */
function isRefusal(error: unknown): boolean {
  const isKnown = error instanceof FettleError || error instanceof RemoteError;
  if (!isKnown || error.code === "mirror.upload-cut") return false;
  return error.code.startsWith("mirror.") || error.code === "cli.file-unreadable";
}

/** Sends the files of a model and its manifest; the manifest's sum. */
async function sendModel(name: string, from: string, send: Send): Promise<string> {
  const path = manifestPath(name);
  const source = await modelsSource(from);
  const bytes = await source.manifest(path);
  if (bytes === null) throw badModel(name, from, `there is no manifests/${path}`);
  const needed = blobsOfManifest(bytes.toString("utf8"));
  if (needed === null) throw badModel(name, from, "its manifest is none of a model");
  const problem = await sendBlobs(source, needed, send);
  if (problem !== null) throw badModel(name, from, problem);
  const sha256 = sha256Hex(bytes);
  await send({ name: "its manifest", sha256, size: bytes.length, chunks: () => once(bytes) });
  return sha256;
}

function manifestPath(name: string): string {
  const parsed = parseModelName(name);
  if (parsed === null) throw usage(`${name} is no name of a model, as in mistral:instruct`);
  const { registry, namespace, model, tag } = parsed;
  return [registry ?? MODEL_REGISTRY, namespace ?? "library", model, tag].join("/");
}

/** What is wrong with them; null when all are sent. */
async function sendBlobs(source: ModelsSource, needed: readonly BlobRef[], send: Send): Promise<string | null> {
  const left = new Map(needed.map((blob) => [`sha256-${blob.sha256}`, blob]));
  for await (const { name, size, chunks } of source.blobs(new Set(left.keys()))) {
    const blob = left.get(name);
    if (blob === undefined) continue;
    if (size !== blob.size) return `${name} has ${size} bytes, not ${blob.size}`;
    await send({ ...blob, name, chunks });
    left.delete(name);
  }
  const [missing] = left.keys();
  return missing === undefined ? null : `blobs/${missing} is missing`;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function badModel(name: string, from: string, problem: string): FettleError {
  return new FettleError("mirror.bad-model", { name, from, problem });
}
