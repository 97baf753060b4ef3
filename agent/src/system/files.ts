export interface FileStat {
  readonly kind: "file" | "directory" | "link" | "fifo" | "other";
  readonly size: number;
  /** Permission bits only. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeMs: number;
}

export interface Space {
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly totalInodes: number;
  readonly freeInodes: number;
}

export interface WriteOptions {
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Paths are absolute, as the machine sees them. Errors are Node's own (`code` ENOENT, ENOSPC, EACCES …). */
export interface Files {
  /** null when there is none; throws `code` EFBIG when it is larger than `maxBytes` (1 MiB when not given). */
  readText(path: string, maxBytes?: number): Promise<string | null>;
  /** These bytes of a file; fewer at its end. */
  readBytes(path: string, offset: number, length: number): Promise<Uint8Array>;
  /** A whole file as it is read, however large. */
  chunks(path: string): AsyncIterable<Uint8Array>;
  /** Old or new, never partial: temp file beside it, fsync, rename, fsync of the folder. Makes missing folders (0755). */
  writeAtomic(path: string, data: string | Uint8Array, options: WriteOptions): Promise<void>;
  /** Adds to the end of a file as it comes, making it when there is none; what came before `chunks` throw stays. */
  append(path: string, chunks: AsyncIterable<Uint8Array>, mode: number): Promise<void>;
  /** Does not follow a last link. */
  stat(path: string): Promise<FileStat | null>;
  /** Names in a folder, sorted; null when there is none. */
  list(path: string): Promise<readonly string[] | null>;
  /** With missing parents (0755); one that is there gets this mode and owner. */
  makeFolder(path: string, options: WriteOptions): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, link or fifo; absent is fine. */
  remove(path: string): Promise<void>;
  /** Removes a folder and what is in it, following no link and leaving other file systems alone; absent is fine. */
  removeTree(path: string): Promise<void>;
  readLink(path: string): Promise<string | null>;
  /** Makes or replaces a link, atomically. */
  link(target: string, path: string): Promise<void>;
  /** Free space of the file system that holds `path` or its nearest existing parent. */
  space(path: string): Promise<Space>;
  makeFifo(path: string, mode: number): Promise<void>;
  /** Reads a fifo to its end; the signal ends the wait for a writer too. */
  readFifo(path: string, maxBytes: number, signal: AbortSignal): Promise<string>;
  /** The path for a library that opens a file by itself (SQLite); the same path on a real machine. */
  native(path: string): string;
  /** sha256 of a file, 64 hex digits; null when there is none. */
  sha256(path: string, signal?: AbortSignal): Promise<string | null>;
}
