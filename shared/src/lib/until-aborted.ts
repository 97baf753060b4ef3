/**
 * What the work comes to, or a rejection with the signal's reason as soon as it fires: also for work that does not
 * listen to it, whose end nobody waits for any more.
 */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    if (signal.aborted) aborted();
    signal.addEventListener("abort", aborted, { once: true });
    const ended = () => signal.removeEventListener("abort", aborted);
    work.then(resolve, reject).finally(ended);
  });
}
