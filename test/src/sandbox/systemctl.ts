import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { UnitAnswer, UnitCall } from "./machine/protocol.ts";

/** What somebody types on a machine: `systemctl restart UNIT`, as a client of the unit manager beside the agent. */
export function systemctl(socketPath: string, call: UnitCall): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the unit manager went away")));
    createInterface({ input: socket }).on("line", (line) => {
      const answer = JSON.parse(line) as UnitAnswer;
      if ("event" in answer) return;
      if ("error" in answer) reject(new Error(JSON.stringify(answer.error)));
      else resolve(answer.result);
      socket.end();
    });
    socket.write(`${JSON.stringify({ id: 1, call })}\n`);
  });
}
