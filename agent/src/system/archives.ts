import type { TransientUnit } from "./units.ts";

export interface UnpackOrder {
  /** Of the transient unit, without `.service`. */
  readonly unit: string;
  /** A `.tar.zst` or `.tar.gz`. */
  readonly archive: string;
  /** An empty folder that belongs to `user`. */
  readonly into: string;
  readonly user: string;
}

export interface Archives {
  /**
   * The unit that unpacks an archive as an unprivileged user, to be run with `units.runTransient`. Nothing is written
   * outside `into`, and no name or link leads out of it; owners are the user's, modes 0755 and 0644. Beside what was
   * unpacked it leaves `manifest.json` (see `ArchiveManifest`). Its journal says `unpacked N of TOTAL` as it goes, and
   * why when it failed.
   */
  unpackUnit(order: UnpackOrder): TransientUnit;
  /** The same program as a command that reads the archive by its path, for whoever may; it ends with whom started it. */
  unpackCommand(archive: string, into: string): readonly string[];
}

/** `manifest.json`: everything that an archive held, by its path below the folder. */
export interface ArchiveManifest {
  /** Path -> bytes. */
  readonly files: Readonly<Record<string, number>>;
  /** Path -> target. */
  readonly links: Readonly<Record<string, string>>;
}
