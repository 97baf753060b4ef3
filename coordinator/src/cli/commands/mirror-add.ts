import { type MirrorAddition, mirrorAddRoute } from "@fettle/shared/api/mirror.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { signedManifest } from "@fettle/shared/release/manifest.ts";
import { OLLAMA_ARCHIVES } from "@fettle/shared/roles/ollama-archives.ts";
import { size } from "../render/text.ts";
import { fileToSend, sendFile } from "../send-file.ts";
import type { Session } from "../session.ts";
import { usage } from "../where.ts";

export interface OllamaOptions {
  readonly version: string;
  readonly arch: string;
  readonly sha256?: string;
}

export interface GatewayOptions {
  readonly reference: string;
  readonly imageId?: string;
}

/** The archive, with its manifest in FILE.manifest. */
export async function addAgent(session: Session, path: string): Promise<number> {
  const text = await session.read(`${path}.manifest`);
  const signed = signedManifest.safeParse(jsonOf(text));
  if (!signed.success) throw new FettleError("mirror.bad-agent", { problem: `${path}.manifest is none of a release` });
  const file = await fileToSend(session, path);
  await sendFile(session, file);
  return await add(session, { kind: "agent", sha256: file.sha256, signed: signed.data });
}

export async function addOllama(session: Session, path: string, options: OllamaOptions): Promise<number> {
  const { version, arch } = options;
  if (arch !== "x64" && arch !== "arm64") throw usage("--arch takes x64 or arm64");
  const given = options.sha256?.toLowerCase();
  const wanted = OLLAMA_ARCHIVES[version]?.[arch] ?? given;
  if (wanted === undefined) throw new FettleError("mirror.no-sum", { version, arch });
  const file = await fileToSend(session, path);
  if (file.sha256 !== wanted) throw new FettleError("mirror.sum-differs", { what: path, found: file.sha256, wanted });
  await sendFile(session, file);
  const status = await add(session, { kind: "ollama", version, arch, sha256: file.sha256 });
  if (OLLAMA_ARCHIVES[version]?.[arch] === undefined && !session.out.isJson)
    session.out.note(
      `agents need this sum, too: policy.ollama.archives in agent.yaml: "${version}": { ${arch}: ${file.sha256} }`,
    );
  return status;
}

export async function addGateway(
  session: Session,
  path: string,
  { reference, imageId }: GatewayOptions,
): Promise<number> {
  const id = imageId?.replace(/^sha256:/, "");
  if (id !== undefined && !/^[0-9a-f]{64}$/.test(id)) throw usage("--image-id takes sha256: and 64 hex digits");
  const file = await fileToSend(session, path);
  await sendFile(session, file);
  const more = id === undefined ? {} : { imageId: id };
  return await add(session, { kind: "gateway", reference, sha256: file.sha256, ...more });
}

/** Tells the coordinator what the files that it has are. */
export async function add({ api, out }: Session, body: MirrorAddition): Promise<number> {
  const answer = await api.call(mirrorAddRoute, { body });
  if (out.isJson) out.json("mirror-added", answer);
  else {
    out.lines([`${answer.kind} ${answer.name}: ${size(answer.size)}, sha256 ${answer.sha256}`]);
    if (answer.imageId !== undefined) out.lines([`its image's id: sha256:${answer.imageId}`]);
  }
  return 0;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
