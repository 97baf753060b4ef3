/** Docker's framing of two streams in one: the stream's number, three zeroes, the length, the bytes. */
import type { Stream } from "../containers/log.ts";

const NUMBERS: Record<Stream, number> = { stdout: 1, stderr: 2 };

export function frame(stream: Stream, data: Uint8Array | string): Buffer {
  const bytes = Buffer.from(data);
  const header = Buffer.alloc(8);
  header.writeUInt8(NUMBERS[stream], 0);
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}
