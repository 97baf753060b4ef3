import type { Files, WriteOptions } from "@fettle/agent/system/files.ts";
import { realFiles } from "@fettle/agent/system/real/files.ts";

/** Files below the root. The sandbox needs no root rights, so owners are left as they are. */
export function rootedFiles(rooted: (path: string) => string): Files {
  const mode = ({ mode }: WriteOptions): WriteOptions => ({ mode });
  return {
    readText: (path, maxBytes) => realFiles.readText(rooted(path), maxBytes),
    readBytes: (path, offset, length) => realFiles.readBytes(rooted(path), offset, length),
    chunks: (path) => realFiles.chunks(rooted(path)),
    writeAtomic: (path, data, options) => realFiles.writeAtomic(rooted(path), data, mode(options)),
    append: (path, chunks, bits) => realFiles.append(rooted(path), chunks, bits),
    stat: async (path) => {
      const stat = await realFiles.stat(rooted(path));
      return stat && { ...stat, uid: 0, gid: 0 };
    },
    list: (path) => realFiles.list(rooted(path)),
    makeFolder: (path, options) => realFiles.makeFolder(rooted(path), mode(options)),
    rename: (from, to) => realFiles.rename(rooted(from), rooted(to)),
    remove: (path) => realFiles.remove(rooted(path)),
    removeTree: (path) => realFiles.removeTree(rooted(path)),
    readLink: (path) => realFiles.readLink(rooted(path)),
    link: (target, path) => realFiles.link(target, rooted(path)),
    space: (path) => realFiles.space(rooted(path)),
    makeFifo: (path, bits) => realFiles.makeFifo(rooted(path), bits),
    readFifo: (path, maxBytes, signal) => realFiles.readFifo(rooted(path), maxBytes, signal),
    sha256: (path, signal) => realFiles.sha256(rooted(path), signal),
    native: rooted,
  };
}
