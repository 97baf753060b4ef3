/** The files of a plain tar archive with short names. */
export interface TarFile {
  name: string;
  content: Buffer;
}

const BLOCK = 512;

export function untar(archive: Buffer): TarFile[] {
  const files: TarFile[] = [];
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0; ) {
    const size = Number.parseInt(archive.toString("latin1", at + 124, at + 136), 8);
    const [name = ""] = archive.toString("utf8", at, at + 100).split("\0");
    files.push({ name, content: archive.subarray(at + BLOCK, at + BLOCK + size) });
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
