import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { EngineError } from "../../clients/engine/engine-error.ts";

/** Looks at the Engine; that it is not there, or does not want to, is said by a code. A fired signal throws its reason. */
export async function engineLook<T>(signal: AbortSignal, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FettleError) throw error;
    const code = error instanceof EngineError ? "gateway.docker.refused" : "gateway.docker.away";
    throw new FettleError(code, { problem: messageOf(error).slice(0, 300) }, { cause: error });
  }
}
