import * as z from "zod";
import { ndjson } from "../ndjson.ts";
import type { EngineCaller } from "./call.ts";
import { unlessAbsent } from "./containers.ts";
import { EngineError } from "./engine-error.ts";

const image = z.object({
  Id: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  RepoDigests: z.array(z.string()).nullish(),
  Architecture: z.string(),
  Os: z.string().optional(),
  RootFS: z.object({ Layers: z.array(z.string()).nullish() }).nullish(),
  Config: z
    .object({
      Env: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      Entrypoint: z.array(z.string()).nullish(),
      User: z.string().default(""),
      WorkingDir: z.string().nullish(),
    })
    .nullish(),
});
export type Image = z.infer<typeof image>;

const pullLine = z.object({
  status: z.string().optional(),
  id: z.string().optional(),
  error: z.string().optional(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).nullish(),
});
export type EnginePullLine = z.infer<typeof pullLine>;

export interface Images {
  /** By tag, digest or id; null when it is not here. */
  inspect(reference: string, signal?: AbortSignal): Promise<Image | null>;
  /**
   * The lines of a pull of a tag or a digest. What fails before the first byte is an EngineError, what fails later a
   * line with `error`. Ending the iteration closes the connection, which stops the pull and keeps whole layers.
   */
  pull(repository: string, tag: string, signal: AbortSignal): AsyncIterable<EnginePullLine>;
  tag(id: string, repository: string, tag: string): Promise<void>;
  /** Loads an archive of `docker save`; the Engine's own words when it does not. */
  load(archive: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Takes a name away, and the image with its last one. */
  remove(reference: string): Promise<void>;
}

/** Nothing comes while a registry is asked, and while a large layer is unpacked. */
const SILENCE_MS = 300_000;
/** A large archive is unpacked without a word. */
const LOAD_MS = 1_800_000;
/** The gateway's images are for this machine alone (facts: gitlab-duo.md section 4.1). */
const PLATFORM = "linux/amd64";

export function imagesOf(caller: EngineCaller): Images {
  return {
    inspect: (reference, signal) =>
      unlessAbsent(async () => image.parse(await caller.json({ path: `/images/${reference}/json`, signal }))),
    pull: (repository, tag, signal) => pull(caller, repository, tag, signal),
    tag: async (id, repo, tag) => {
      await caller.json({ method: "POST", path: `/images/${id}/tag`, query: { repo, tag } });
    },
    load: (archive, signal) => load(caller, archive, signal),
    remove: async (reference) => {
      await unlessAbsent(async () => caller.json({ method: "DELETE", path: `/images/${reference}` }));
    },
  };
}

async function load(caller: EngineCaller, archive: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  const answer = await caller.stream({
    method: "POST",
    path: "/images/load",
    query: { quiet: "1" },
    archive,
    deadlineMs: LOAD_MS,
    idleMs: LOAD_MS,
    signal,
  });
  try {
    for await (const line of ndjson(answer.chunks)) {
      const { error } = pullLine.parse(line);
      if (error !== undefined) throw new EngineError(500, error);
    }
  } finally {
    answer.close();
  }
}

async function* pull(
  caller: EngineCaller,
  repository: string,
  tag: string,
  signal: AbortSignal,
): AsyncGenerator<EnginePullLine> {
  const query = { fromImage: repository, tag, platform: PLATFORM };
  const answer = await caller.stream({
    method: "POST",
    path: "/images/create",
    query,
    deadlineMs: SILENCE_MS,
    idleMs: SILENCE_MS,
    signal,
  });
  try {
    for await (const line of ndjson(answer.chunks)) yield pullLine.parse(line);
  } finally {
    answer.close();
  }
}
