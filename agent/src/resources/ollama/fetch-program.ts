import { FettleError } from "@fettle/shared/lib/errors.ts";
import { download } from "../../clients/download.ts";
import type { Host } from "../../system/host.ts";
import type { Reporter, ResourceContext } from "../resource.ts";
import { type OllamaArchive, SumRecord } from "./sum-record.ts";

export const DOWNLOADS = "/var/lib/fettle-agent/downloads";

export function archivePath(sha256: string): string {
  return `${DOWNLOADS}/ollama-${sha256.slice(0, 16)}.tar.zst`;
}

/** The archive, whole and with the right sum, at the path that it resolves with. */
export async function fetchProgram(
  { host, kept }: ResourceContext,
  { url, sha256 }: OllamaArchive,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<string> {
  const to = archivePath(sha256);
  if ((await host.files.sha256(to, signal)) === sha256) return to;
  await host.files.makeFolder(DOWNLOADS, { mode: 0o700 });
  const onBytes = byteReporter(host, reporter);
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

const REPORT_EVERY_MS = 500;

function byteReporter({ clock }: Host, reporter: Reporter) {
  const startedAt = clock.mono();
  let first: number | null = null;
  let saidAt = 0;
  return (done: number, total: number | null): void => {
    first ??= done;
    const now = clock.mono();
    if (now - saidAt < REPORT_EVERY_MS) return;
    saidAt = now;
    const bytesPerSecond = Math.round(((done - first) / Math.max(1, now - startedAt)) * 1000);
    const left =
      total === null || bytesPerSecond === 0 ? {} : { secondsLeft: Math.round((total - done) / bytesPerSecond) };
    reporter.progress({
      text: "downloading Ollama",
      doneBytes: done,
      ...(total === null ? {} : { totalBytes: total }),
      bytesPerSecond,
      ...left,
    });
  };
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
