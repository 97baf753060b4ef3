import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runPiped } from "./command.ts";
import type { Host } from "./host.ts";
import { copyIn } from "./host-files.ts";

const mark = ".lab-content";

/** Brings a folder's content into a folder of the host, which then holds nothing else; true when it was another one. */
export async function ensureTree(host: Host, from: string, to: string): Promise<boolean> {
  const content = contentOf(from);
  const there = await host.exec(["cat", `${to}/${mark}`]);
  if (there.stdout === content) return false;
  // Beside and then swapped: what runs out of the folder finds either all of the old or all of the new.
  const beside = `${to}.new`;
  await host.run(["sh", "-c", 'rm -rf "$0" && mkdir -p "$0"', beside]);
  const pack = ["tar", "--create", "--owner=0", "--group=0", "--directory", from, "."];
  const unpack = ["docker", "exec", "--interactive", host.container, "tar", "--extract", "--directory", beside];
  await runPiped(pack, unpack, { timeoutMs: 180_000 });
  await host.run(["sh", "-c", 'printf %s "$1" > "$0/$2"; chmod 0755 "$0"', beside, content, mark]);
  await host.run(["sh", "-c", 'rm -rf "$1" && mv "$0" "$1"', beside, to]);
  return true;
}

/** Brings this Node to `folder/node` of the host, unless that version is there. */
export async function ensureNode(host: Host, folder: string): Promise<void> {
  const { stdout } = await host.exec([`${folder}/node`, "--version"]);
  if (stdout.trim() !== process.version) await copyIn(host, process.execPath, folder);
}

/** One number for names and bytes of everything in a folder. */
export function contentOf(folder: string): string {
  const hash = createHash("sha256");
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    hash.update(`${file.slice(folder.length)}\0`);
    hash.update(readFileSync(file));
  }
  return hash.digest("hex").slice(0, 16);
}
