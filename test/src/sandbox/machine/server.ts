import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { UnitError } from "@fettle/agent/system/units.ts";
import type { Manager } from "./manager.ts";
import type { UnitAnswer, UnitCall, UnitRequest } from "./protocol.ts";

/** The unit manager on a Unix socket; every connection also gets an event for each change of a unit. */
export class UnitServer {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(manager: Manager) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      // What readline passes on of the socket's errors, as when an agent is killed, has been taken by the socket.
      createInterface({ input: socket })
        .on("error", () => undefined)
        .on("line", (line) => void answer(manager, socket, line));
    });
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(path, resolve);
    });
  }

  changed(unit: string): void {
    for (const socket of this.#sockets) send(socket, { event: unit });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

async function answer(manager: Manager, socket: Socket, line: string): Promise<void> {
  const { id, call } = JSON.parse(line) as UnitRequest;
  try {
    send(socket, { id, result: (await execute(manager, call)) ?? null });
  } catch (error) {
    const refusal = error instanceof UnitError ? { code: error.code, unit: error.unit, reason: error.reason } : null;
    send(socket, { id, error: error instanceof Error ? error.message : String(error), ...(refusal && { refusal }) });
  }
}

async function execute(manager: Manager, call: UnitCall): Promise<unknown> {
  switch (call.method) {
    case "daemonReload":
      return manager.daemonReload();
    case "journal":
      return manager.journal(call.unit, call.lines);
    case "runTransient":
      return manager.runTransient(call.transient);
    default:
      return manager[call.method](call.unit);
  }
}

function send(socket: Socket, answer: UnitAnswer): void {
  if (socket.writable) socket.write(`${JSON.stringify(answer)}\n`);
}
