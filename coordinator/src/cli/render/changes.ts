import type { Change } from "@fettle/shared/protocol/resource-report.ts";

/** `OLLAMA_HOST: 127.0.0.1 -> 172.31.11.27`. */
export function changeText({ what, from, to }: Change): string {
  return `${what}: ${from ?? "absent"} -> ${to ?? "absent"}`;
}
