/** Offsets in a 64-bit little-endian ELF header and in one entry of its program header table. */
const HEADER = { programTable: 32, sectionTable: 40, programSize: 54, programCount: 56, sectionCount: 60, names: 62 };
const PROGRAM = { offset: 8, size: 32 };
const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);

/**
 * An ELF file (64 bits, little-endian) without what no loader reads: everything behind the last program segment, which
 * is the symbols and the section table. Needs no tool, so that it gives the same bytes everywhere.
 */
export function stripped(file: Buffer): Buffer {
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error("not a 64-bit little-endian ELF file");
  const table = Number(file.readBigUInt64LE(HEADER.programTable));
  const size = file.readUInt16LE(HEADER.programSize);
  const count = file.readUInt16LE(HEADER.programCount);
  const ends = Array.from({ length: count }, (_, index) => {
    const at = table + index * size;
    return Number(file.readBigUInt64LE(at + PROGRAM.offset) + file.readBigUInt64LE(at + PROGRAM.size));
  });
  const end = Math.max(table + count * size, ...ends);
  if (end > file.length) throw new Error("an ELF file that is cut off");
  const rest = Buffer.from(file.subarray(0, end));
  rest.writeBigUInt64LE(0n, HEADER.sectionTable);
  rest.writeUInt16LE(0, HEADER.sectionCount);
  rest.writeUInt16LE(0, HEADER.names);
  return rest;
}
