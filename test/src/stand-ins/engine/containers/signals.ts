import { constants } from "node:os";
import { badRequest } from "../errors.ts";

/** "SIGTERM", "TERM" or "15". Throws 400 on anything else. */
export function parseSignal(name: string): NodeJS.Signals {
  const plain = name === "" ? "SIGKILL" : name.toUpperCase();
  const all = Object.entries(constants.signals);
  const found = all.find(
    ([signal, number]) => signal === plain || signal === `SIG${plain}` || String(number) === plain,
  );
  if (found === undefined) throw badRequest(`Invalid signal: ${name}`);
  return found[0] as NodeJS.Signals;
}

export function signalNumber(signal: NodeJS.Signals): number {
  return constants.signals[signal];
}
