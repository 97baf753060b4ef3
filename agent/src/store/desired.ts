import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { type Desired, desired as schema } from "@fettle/shared/protocol/desired.ts";
import * as z from "zod";
import type { Files } from "../system/files.ts";

/** The coordinator that is obeyed: the highest epoch seen, and which incarnation of it. */
export interface Fence {
  readonly epoch: number;
  readonly incarnation: string;
}

/** The last accepted desired state and the fence between coordinators; both survive everything but the disk. */
export interface DesiredStore {
  current(): Desired | null;
  fence(): Fence | null;
  /** On disk when the promise resolves; the old or the new one, never a part. */
  save(desired: Desired): Promise<void>;
  /** On disk before anything of the new coordinator is obeyed. */
  raiseFence(fence: Fence): Promise<void>;
  /** Set when a stored desired state could not be read: the agent holds none until the coordinator sends it again. */
  readonly problem: FettleError | null;
}

const fenceSchema = z.strictObject({ epoch: z.number().int().nonnegative(), incarnation: z.string().max(64) });
const MODE = { mode: 0o600 };
const MAX_BYTES = 4 * 1024 * 1024;

const pathIn = (dataFolder: string) => `${dataFolder}/desired.json`;

/** The fence stays: it is about coordinators. */
export async function forgetDesired(files: Files, dataFolder: string): Promise<void> {
  if ((await files.stat(pathIn(dataFolder))) !== null) await files.remove(pathIn(dataFolder));
}

/**
 * Reads what is stored. A desired state that cannot be read is held as none; a fence that cannot be read throws
 * (FettleError `agent.desired-unreadable`), since going on without it could mean to obey the wrong coordinator.
 */
export async function openDesired(files: Files, dataFolder: string): Promise<DesiredStore> {
  const path = pathIn(dataFolder);
  const fencePath = `${dataFolder}/fence.json`;
  let fence = await read(files, fencePath, fenceSchema);
  let current: Desired | null = null;
  let problem: FettleError | null = null;
  try {
    current = await read(files, path, schema);
  } catch (error) {
    if (!(error instanceof FettleError)) throw error;
    problem = error;
  }
  return {
    current: () => current,
    fence: () => fence,
    problem,
    async save(desired) {
      await files.writeAtomic(path, JSON.stringify(desired), MODE);
      current = desired;
    },
    async raiseFence(next) {
      await files.writeAtomic(fencePath, JSON.stringify(next), MODE);
      fence = next;
    },
  };
}

async function read<T>(files: Files, path: string, schema: z.ZodType<T>): Promise<T | null> {
  const text = await files.readText(path, MAX_BYTES);
  if (text === null) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const problem = messageOf(cause).slice(0, 200);
    throw new FettleError("agent.desired-unreadable", { path, problem }, { cause });
  }
}
