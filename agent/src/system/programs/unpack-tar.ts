import { Parser, type ReadEntry } from "tar";
import type { Tree } from "./tree.ts";

const MAX_BYTES = 16e9;
const MAX_ENTRIES = 20_000;

/** The last step of a pipeline: a tar stream becomes files of the tree, one entry after the other. */
export function unpackTar(tree: Tree): (source: AsyncIterable<Buffer>) => Promise<void> {
  return async (source) => {
    const parser = new Parser({ strict: true });
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined);
    parser.on("error", failed.reject);
    let work = Promise.resolve();
    let entries = 0;
    let bytes = 0;
    parser.on("entry", (entry) => {
      entries += 1;
      bytes += entry.size;
      if (entries > MAX_ENTRIES || bytes > MAX_BYTES)
        failed.reject(new Error("the archive is larger than any release"));
      work = work.then(() => take(tree, entry));
      work.catch(failed.reject);
    });
    const ended = new Promise<void>((resolve) => parser.on("end", resolve));
    for await (const chunk of source) {
      if (!parser.write(chunk)) await Promise.race([failed.promise, drained(parser)]);
    }
    parser.end();
    await Promise.race([failed.promise, ended.then(() => work)]);
    if (entries === 0) throw new Error("the archive is empty");
  };
}

function drained(parser: Parser): Promise<void> {
  return new Promise((resolve) => parser.once("drain", resolve));
}

async function take(tree: Tree, entry: ReadEntry): Promise<void> {
  const path = String(entry.path);
  switch (entry.type) {
    case "Directory":
      entry.resume();
      return tree.folder(path);
    case "File":
    case "OldFile":
    case "ContiguousFile":
      return tree.file(path, entry, ((entry.mode ?? 0) & 0o111) !== 0);
    case "SymbolicLink":
      entry.resume();
      return tree.link(path, String(entry.linkpath));
    default:
      throw new Error(`${path} is a ${entry.type}, not a file, folder or link`);
  }
}
