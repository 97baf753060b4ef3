import { FettleError } from "@fettle/shared/lib/errors.ts";
import { download, type OnBytes } from "../../clients/download.ts";
import type { MirrorClient } from "../../clients/mirror.ts";
import type { Host } from "../../system/host.ts";
import { byteReporter } from "../byte-reporter.ts";
import type { Reporter, ResourceContext } from "../resource.ts";
import { type OllamaArchive, SumRecord } from "./sum-record.ts";

export const DOWNLOADS = "/var/lib/fettle-agent/downloads";

export function archivePath(sha256: string): string {
  return `${DOWNLOADS}/ollama-${sha256.slice(0, 16)}.tar.zst`;
}

/** The archive, whole and with the right sum, at the path that it resolves with. */
export async function fetchProgram(
  { host, kept, clients }: ResourceContext,
  { url, sha256 }: OllamaArchive,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<string> {
  const to = archivePath(sha256);
  if ((await host.files.sha256(to, signal)) === sha256) return to;
  await host.files.makeFolder(DOWNLOADS, { mode: 0o700 });
  const onBytes = byteReporter(host, reporter, "downloading Ollama");
  if (await spaceErrors(host, () => fetchMirrored(host, clients.mirror, { to, sha256 }, signal, onBytes))) {
    new SumRecord(kept).forget();
    return to;
  }
  const outcome = await spaceErrors(host, () => download(host, { url, to, sha256 }, signal, onBytes));
  switch (outcome.kind) {
    case "whole":
      new SumRecord(kept).forget();
      return to;
    case "sum-differs":
      new SumRecord(kept).note({ sha256, found: outcome.found, at: host.clock.now() });
      throw new FettleError("ollama.install.sum-differs", { url, found: outcome.found || "none", wanted: sha256 });
    case "refused":
    case "cut":
      throw new FettleError("ollama.install.download-failed", { url, problem: outcome.problem.slice(0, 300) });
  }
}

/**
 * True when the coordinator's mirror gave it whole. It needs nobody's consent: the sum is known on this machine. What
 * it does not give comes from the source.
 */
async function fetchMirrored(
  host: Host,
  mirror: MirrorClient,
  { to, sha256 }: { readonly to: string; readonly sha256: string },
  signal: AbortSignal,
  onBytes: OnBytes,
): Promise<boolean> {
  if (!mirror.list("ollama").some((item) => item.sha256 === sha256)) return false;
  const open = (from: number, stop: AbortSignal) => mirror.open(sha256, { from }, stop);
  const outcome = await download(host, { url: `mirror:${sha256}`, open, to, sha256 }, signal, onBytes);
  return outcome.kind === "whole";
}

async function spaceErrors<T>(host: Host, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    const { freeBytes } = await host.files.space(DOWNLOADS);
    const args = { needed: "more", free: `${(freeBytes / 1e9).toFixed(1)} GB`, folder: DOWNLOADS };
    throw new FettleError("ollama.install.disk-full", args, { cause: error });
  }
}
