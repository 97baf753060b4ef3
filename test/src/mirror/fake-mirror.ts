import { Readable } from "node:stream";
import type { MirrorClient } from "@fettle/agent/clients/mirror.ts";
import type { MirrorItem } from "@fettle/shared/mirror/item.ts";
import { sha256Of } from "./archives.ts";

/** A coordinator's mirror in memory, that can misbehave. */
export class FakeMirror implements MirrorClient {
  allowed = true;
  readonly items: MirrorItem[] = [];
  readonly #files = new Map<string, Buffer>();
  /** Ranges that were asked for, as `sha256-…12 FROM-TO`. */
  readonly asked: string[] = [];
  /** It does not answer. */
  away = false;
  /** Each answer ends after so many bytes. */
  cutAfter = Number.POSITIVE_INFINITY;

  /** A file under its sum, or under a sum that it does not have. */
  put(bytes: Buffer | string, sha256 = sha256Of(bytes)): string {
    this.#files.set(sha256, Buffer.from(bytes as string));
    return sha256;
  }

  offer(item: Omit<MirrorItem, "size">, bytes: Buffer | string): MirrorItem {
    this.put(bytes, item.sha256);
    const whole = { ...item, size: Buffer.byteLength(bytes) };
    this.items.push(whole);
    return whole;
  }

  list(kind: MirrorItem["kind"]): readonly MirrorItem[] {
    return this.items.filter((item) => item.kind === kind);
  }

  async open(sha256: string, { from, to }: { from: number; to?: number }) {
    this.asked.push(`${sha256.slice(0, 12)} ${from}-${to ?? ""}`);
    if (this.away) throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    const file = this.#files.get(sha256);
    const answer = (status: number, bytes: Buffer, headers: Record<string, string>) => {
      const chunks = Readable.from(pieces(bytes.subarray(0, this.cutAfter)), { objectMode: false });
      const length = { "content-length": String(bytes.length) };
      return { status, headers: { ...length, ...headers }, chunks, close: () => void chunks.destroy() };
    };
    if (file === undefined) return answer(404, Buffer.alloc(0), {});
    if (from === 0 && to === undefined) return answer(200, file, {});
    const part = file.subarray(from, to === undefined ? undefined : to + 1);
    return answer(206, part, { "content-range": `bytes ${from}-${from + part.length - 1}/${file.length}` });
  }
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
