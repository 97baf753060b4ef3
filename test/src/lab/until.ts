import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "./lab-error.ts";

/** Asks again and again until the answer is not undefined; `what` names the wait in the error that ends it. */
export async function until<T>(what: string, timeoutMs: number, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new LabError("lab.timeout", `${what}: not within ${timeoutMs / 1000} s`);
    await sleep(100);
  }
}
