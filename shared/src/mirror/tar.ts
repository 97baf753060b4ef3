import type { RandomAccess } from "./random-access.ts";

/** What an archive holds, without its content. */
export interface TarEntry {
  readonly name: string;
  readonly kind: "file" | "folder" | "link";
  readonly size: number;
  /** Of a symbolic link. */
  readonly target: string;
  /** Where its bytes begin. */
  readonly offset: number;
}

/** Why an archive is not taken. */
export class TarProblem extends Error {}

const BLOCK = 512;
const MOST_ENTRIES = 20_000;
const MOST_PAX_BYTES = 64 * 1024;
/** Records of an extended header that say nothing about what an entry is or where it goes. */
const HARMLESS = /^(?:[amc]time|uname|gname|uid|gid|comment|LIBARCHIVE\.creationtime)$/;

/**
 * The entries of a plain tar. Stricter than any program that unpacks one: whatever two readers could take for two
 * different things (a name twice, a name or size in an extended header, a size that is no plain octal number) is
 * refused, so that what is looked at here is what is unpacked later. Throws TarProblem.
 */
export async function readTar(file: RandomAccess): Promise<readonly TarEntry[]> {
  const entries: TarEntry[] = [];
  const names = new Set<string>();
  for (let at = 0; at < file.size; ) {
    const header = await file.read(at, BLOCK);
    if (header.length < BLOCK) throw new TarProblem("it ends in the middle of an entry");
    if (isZero(header)) {
      await mustEnd(file, at + BLOCK);
      return entries;
    }
    const entry = await parseEntry(file, header, at);
    at = entry.offset + Math.ceil(entry.size / BLOCK) * BLOCK;
    if (at > file.size) throw new TarProblem("it ends in the middle of an entry");
    if (entry.kind === "extended") continue;
    if (names.has(entry.name)) throw new TarProblem(`it holds ${shown(entry.name)} twice`);
    names.add(entry.name);
    if (names.size > MOST_ENTRIES) throw new TarProblem("it holds too many entries");
    entries.push({ ...entry, kind: entry.kind });
  }
  throw new TarProblem(entries.length === 0 ? "it is empty" : "its end is missing");
}

/** Readers stop at two blocks of zeros; one alone is an error to them. */
async function mustEnd(file: RandomAccess, at: number): Promise<void> {
  if (at < file.size && !isZero(await file.read(at, BLOCK))) throw new TarProblem("it goes on after its end");
}

type Parsed = Omit<TarEntry, "kind"> & { readonly kind: TarEntry["kind"] | "extended" };

async function parseEntry(file: RandomAccess, header: Uint8Array, at: number): Promise<Parsed> {
  const type = String.fromCharCode(header[156] ?? 0);
  if (!sumFits(header)) throw new TarProblem(at === 0 ? "it is no tar archive" : "an entry's checksum is wrong");
  const name = nameOf(header);
  const size = octal(header, 124, 12);
  const offset = at + BLOCK;
  const target = text(header, 157, 100);
  switch (type) {
    case "\0":
    case "0":
      return { name, kind: "file", size, target: "", offset };
    case "5":
      return { name, kind: "folder", size: 0, target: "", offset };
    case "2":
      return { name, kind: "link", size: 0, target, offset };
    case "x":
      await mustBeHarmless(file, offset, size);
      return { name, kind: "extended", size, target: "", offset };
    default:
      throw new TarProblem(`it holds an entry of the kind ${shown(type)}`);
  }
}

async function mustBeHarmless(file: RandomAccess, offset: number, size: number): Promise<void> {
  if (size > MOST_PAX_BYTES) throw new TarProblem("an extended header is too large");
  const records = new TextDecoder().decode(await file.read(offset, size));
  for (const record of records.split("\n")) {
    if (record === "") continue;
    const key = /^\d+ ([^=]+)=/.exec(record)?.[1];
    if (key === undefined || !HARMLESS.test(key)) throw new TarProblem(`an extended header sets ${shown(key ?? "?")}`);
  }
}

function nameOf(header: Uint8Array): string {
  const prefix = text(header, 257, 5) === "ustar" && header[262] === 0 ? text(header, 345, 155) : "";
  const name = text(header, 0, 100);
  return prefix === "" ? name : `${prefix}/${name}`;
}

function text(header: Uint8Array, from: number, length: number): string {
  const bytes = header.subarray(from, from + length);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function octal(header: Uint8Array, from: number, length: number): number {
  const digits = text(header, from, length).trim();
  if (!/^[0-7]{0,12}$/.test(digits)) throw new TarProblem("an entry's size is no plain number");
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

/** The sum of the header's bytes, with its own field as blanks. */
function sumFits(header: Uint8Array): boolean {
  const wanted = text(header, 148, 8).trim();
  if (!/^[0-7]{1,8}$/.test(wanted)) return false;
  let sum = 8 * 32;
  for (const [index, byte] of header.entries()) if (index < 148 || index >= 156) sum += byte;
  return sum === Number.parseInt(wanted, 8);
}

function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

function shown(value: string): string {
  return JSON.stringify(value.slice(0, 100)).replace(/[^\x20-\x7e]/g, "?");
}
