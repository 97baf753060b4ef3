/** The head of a GGUF file (version 3) without tensors: what a reader of its key-value pairs needs. */
export function ggufHead(pairs: Readonly<Record<string, string | number>>): Buffer {
  const head = Buffer.alloc(24);
  head.write("GGUF", 0, "latin1");
  head.writeUInt32LE(3, 4);
  head.writeBigUInt64LE(0n, 8);
  head.writeBigUInt64LE(BigInt(Object.keys(pairs).length), 16);
  const body = Object.entries(pairs).flatMap(([key, value]) => [
    text(key),
    ...(typeof value === "string" ? [uint32(STRING), text(value)] : [uint32(UINT64), uint64(value)]),
  ]);
  return Buffer.concat([head, ...body]);
}

const STRING = 8;
const UINT64 = 10;

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
