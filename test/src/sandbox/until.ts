import type { Child } from "./child.ts";

const EVERY_MS = 20;

/** Asks until an answer comes that is neither false nor an error; says what it waited for, and why, when time is over. */
export async function until<T>(
  what: string,
  limitMs: number,
  ask: () => Promise<T | false>,
  child?: Child,
): Promise<T> {
  const end = Date.now() + limitMs;
  let problem: unknown = null;
  while (Date.now() < end) {
    try {
      const answer = await ask();
      if (answer !== false) return answer;
    } catch (error) {
      problem = error;
    }
    if (child && !child.running) throw new Error(`${child.name} ended while waiting until ${what}:\n${child.tail()}`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  throw new Error(
    `not in ${limitMs / 1000} s: ${what}${problem ? ` (${String(problem)})` : ""}\n${child?.tail() ?? ""}`,
  );
}
