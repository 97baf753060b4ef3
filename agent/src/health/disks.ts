import type { Disk } from "@fettle/shared/protocol/health.ts";
import { bytesText, type HealthFinding } from "./finding.ts";
import { type Level, levelOf } from "./level.ts";

/** Per cent free. */
const SPACE = { warning: 10, critical: 5, margin: 2 };
const INODES = { warning: 10, critical: 3, margin: 2 };

/** Remembers each file system's level, so that one that is written to does not flap. */
export class DiskWatch {
  readonly #levels = new Map<string, Level>();

  findings(disks: readonly Disk[]): HealthFinding[] {
    return disks.flatMap((disk) => [...this.#space(disk), ...this.#inodes(disk)]);
  }

  #space({ mount, freeBytes, totalBytes }: Disk): HealthFinding[] {
    if (totalBytes === 0) return [];
    const percent = (100 * freeBytes) / totalBytes;
    const level = this.#level(`space ${mount}`, percent, SPACE);
    const args = { mount, percent: Math.floor(percent), free: bytesText(freeBytes) };
    if (level === "ok") return [];
    return [{ code: level === "critical" ? "health.disk-full" : "health.disk-low", args }];
  }

  /** Some file systems make inodes as they need them and count none. */
  #inodes({ mount, freeInodes, totalInodes }: Disk): HealthFinding[] {
    if (totalInodes === 0) return [];
    const percent = (100 * freeInodes) / totalInodes;
    const level = this.#level(`inodes ${mount}`, percent, INODES);
    if (level === "ok") return [];
    const args = { mount, percent: Math.floor(percent) };
    return [{ code: level === "critical" ? "health.inodes-full" : "health.inodes-low", args }];
  }

  #level(key: string, percent: number, bounds: typeof SPACE): Level {
    const level = levelOf(this.#levels.get(key) ?? "ok", percent, bounds);
    this.#levels.set(key, level);
    return level;
  }
}
