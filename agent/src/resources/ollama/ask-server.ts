import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";

/** Asks the server for something of its models; one that does not answer has a code of its own. */
export async function askServer<T>(address: string, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    signal.throwIfAborted();
    throw new FettleError("ollama.listening.no-answer", { address, problem: messageOf(error) }, { cause: error });
  }
}
