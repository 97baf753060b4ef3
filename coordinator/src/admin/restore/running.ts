import { existsSync } from "node:fs";
import { connect } from "node:net";
import Database from "better-sqlite3";

const LIMIT_MS = 2_000;

/** Whether somebody answers on this Unix socket. One that a dead process left does not. */
export async function answers(socket: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = connect({ path: socket, timeout: LIMIT_MS });
    const end = (answer: boolean) => {
      probe.destroy();
      resolve(answer);
    };
    probe.on("connect", () => end(true));
    probe.on("timeout", () => end(true));
    probe.on("error", () => end(false));
  });
}

/** Whether another program has this database open: seen from another container, too, whose socket is not. */
export function isOpen(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    const database = new Database(path, { fileMustExist: true, timeout: 0 });
    try {
      // Whoever has it open holds a shared lock for as long as it lives.
      database.pragma("locking_mode = EXCLUSIVE");
      database.exec("BEGIN EXCLUSIVE; ROLLBACK");
      return false;
    } finally {
      database.close();
    }
  } catch (error) {
    // What is no database, or a broken one, is nobody's, and is what a restore is for.
    return error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY");
  }
}
