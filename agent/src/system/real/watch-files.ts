import type { FSWatcher } from "node:fs";
import { watch } from "node:fs";
import { basename, dirname } from "node:path";

/**
 * Calls back when something at or directly below one of the paths changes. Returns what ends it.
 *
 * inotify watches what is there, not a path: the watch of a folder that is removed and made again stays silent for
 * ever. So each path is watched together with every folder above it, there or not yet, and what a change of names
 * puts in doubt is watched anew.
 */
export function watchFiles(paths: readonly string[], onChange: (path: string) => void): () => void {
  const watches = paths.map((path) => new PathWatch(path, () => onChange(path)));
  return () => {
    for (const one of watches) one.end();
  };
}

class PathWatch {
  /** From the root down to the path itself. */
  readonly #levels: readonly string[];
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #onChange: () => void;
  #ended = false;

  constructor(path: string, onChange: () => void) {
    this.#levels = levelsOf(path);
    this.#onChange = onChange;
    this.#arm();
  }

  end(): void {
    this.#ended = true;
    this.#drop(0);
  }

  /** Watches what is there and not yet watched, downwards: what appears below a watched folder is heard of. */
  #arm(): void {
    for (const [at, level] of this.#levels.entries()) {
      if (this.#watchers.has(level)) continue;
      try {
        this.#watchers.set(level, this.#watch(level, at));
      } catch {
        // Not there yet; or the kernel grants no further watches, and then the sweep has to do.
        return;
      }
    }
  }

  #watch(level: string, at: number): FSWatcher {
    const watcher = watch(level, { persistent: false }, (event, name) => this.#heard(event, name, at));
    watcher.on("error", () => this.#again(at));
    return watcher;
  }

  #heard(event: string, name: string | null, at: number): void {
    const below = this.#levels[at + 1];
    const isBelow = below !== undefined && name === basename(below);
    // An event about the watched folder itself carries its own name.
    const isSelf = name === basename(this.#levels[at] ?? "");
    if (event === "rename" && (isSelf || isBelow)) this.#again(isSelf ? at : at + 1);
    else if (below === undefined || (isBelow && at === this.#levels.length - 2)) this.#changed();
  }

  /** The entry at this level is another one than before, or none. */
  #again(from: number): void {
    if (this.#ended) return;
    this.#drop(from);
    this.#arm();
    this.#changed();
  }

  #changed(): void {
    if (!this.#ended) this.#onChange();
  }

  #drop(from: number): void {
    for (const level of this.#levels.slice(from)) {
      this.#watchers.get(level)?.close();
      this.#watchers.delete(level);
    }
  }
}

function levelsOf(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [...levelsOf(parent), path];
}
