/** Words of a failed file operation as Go says them: `mkdir /x: permission denied`. */
export function goFileError(error: unknown): string {
  const { code, syscall, path, message } = error as NodeJS.ErrnoException;
  const why = code === undefined ? undefined : WHY[code];
  const verb = syscall === "unlink" ? "remove" : (syscall ?? "open");
  return why === undefined ? message : `${verb} ${path ?? ""}: ${why}`;
}

const WHY: Record<string, string> = {
  EACCES: "permission denied",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  EROFS: "read-only file system",
  EEXIST: "file exists",
  EDQUOT: "disk quota exceeded",
  EIO: "input/output error",
};

/** The models' folder cannot be made: the hint that the real one adds. */
export function traversable(make: () => void): void {
  try {
    make();
  } catch (error) {
    throw new Error(`${goFileError(error)}: ensure path elements are traversable`, { cause: error });
  }
}
