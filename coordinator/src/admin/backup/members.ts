import { Header } from "tar";

/** One file of an archive, and its bytes as they come. */
export interface Member {
  readonly path: string;
  readonly bytes: number;
  readonly body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const BLOCK = 512;
const END_BYTES = 2 * BLOCK;
/** Above the size of one sealed chunk, so that the manifest stands in a chunk that is not the last. */
const LEAST_BYTES = 160 * BLOCK;
const ZEROS = new Uint8Array(BLOCK);

/** How large the archive of these members is. */
export function archiveBytes(members: readonly Pick<Member, "bytes">[]): number {
  const content = members.reduce((sum, { bytes }) => sum + BLOCK + padded(bytes), END_BYTES);
  return Math.max(content, LEAST_BYTES);
}

/** The members as a tar archive. A body that is not as long as it was said to be is an error. */
export async function* pack(members: readonly Member[], at: number): AsyncGenerator<Uint8Array> {
  for (const { path, bytes, body } of members) {
    yield header(path, bytes, at);
    let seen = 0;
    for await (const piece of body) {
      seen += piece.length;
      yield piece;
    }
    if (seen !== bytes) throw new Error(`${path} changed while it was read`);
    yield ZEROS.subarray(0, padded(bytes) - bytes);
  }
  const content = members.reduce((sum, { bytes }) => sum + BLOCK + padded(bytes), 0);
  for (let left = archiveBytes(members) - content; left > 0; left -= BLOCK) yield ZEROS;
}

/** The members of a tar archive, each to be read to its end before the next one. */
export async function* unpack(source: AsyncIterable<Uint8Array>): AsyncGenerator<Member> {
  const reader = new Reader(source);
  for (;;) {
    const block = await reader.exactly(BLOCK);
    if (block.every((byte) => byte === 0)) break;
    const { path, size, type, cksumValid } = new Header(Buffer.from(block), 0);
    if (!cksumValid || type !== "File" || path === undefined || size === undefined) throw new Error("a bad header");
    yield { path, bytes: size, body: reader.take(size) };
    await reader.exactly(padded(size) - size);
  }
  await reader.rest();
}

function header(path: string, size: number, at: number): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  new Header({ path, size, type: "File", mode: 0o600, mtime: new Date(at), uid: 0, gid: 0 }).encode(block, 0);
  return block;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK;
}

/** Bytes of a stream by number; what is not taken yet is at most one piece. */
class Reader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #left: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#pieces = source[Symbol.asyncIterator]();
  }

  async *take(bytes: number): AsyncGenerator<Uint8Array> {
    for (let wanted = bytes; wanted > 0; ) {
      if (this.#left.length === 0 && !(await this.#more())) throw new Error("the archive ends too early");
      const piece = this.#left.subarray(0, wanted);
      this.#left = this.#left.subarray(piece.length);
      wanted -= piece.length;
      yield piece;
    }
  }

  async exactly(bytes: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.take(bytes)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  /** To the end: only then is it known that nothing was cut off. */
  async rest(): Promise<void> {
    while (await this.#more());
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#pieces.next();
    this.#left = done === true ? new Uint8Array(0) : value;
    return done !== true;
  }
}
