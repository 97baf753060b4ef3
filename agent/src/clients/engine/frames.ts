/** One message of a container's or an exec's output; a line longer than 16 KiB comes in several. */
export interface Frame {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

const HEADER = 8;
const LARGEST = 1024 * 1024;

/** The messages of two streams in one: the stream's number, three zeroes, the length, the bytes. */
export async function* frames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER) {
      const length = rest.readUInt32BE(4);
      if (length > LARGEST) throw new Error("the Engine's output is not in frames");
      if (rest.length < HEADER + length) break;
      const stream = rest[0] === 2 ? "stderr" : "stdout";
      yield { stream, text: rest.subarray(HEADER, HEADER + length).toString("utf8") };
      rest = rest.subarray(HEADER + length);
    }
  }
}
