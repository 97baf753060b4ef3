import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { join } from "node:path";
import { hashOf } from "@fettle/shared/lib/canonical.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { encode } from "@fettle/shared/protocol/codec.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import { type WebSocket, WebSocketServer } from "ws";
import type { NodeName } from "../sandbox/layout.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { until } from "../sandbox/until.ts";

const AGENT_PORT = 7444;
const DATA = "var/lib/fettle-agent";

/** What an agent last accepted. */
export function heldBy(sandbox: Sandbox, node: NodeName): Desired {
  return JSON.parse(readFileSync(join(sandbox.rootOf(node), DATA, "desired.json"), "utf8")) as Desired;
}

interface Seat {
  readonly socket: WebSocket;
  report: Report | null;
  readonly frames: { type: string; body: Record<string, unknown> }[];
}

/**
 * A coordinator that has been taken over: it has the real one's key and certificate, stands at its address, and says to
 * the agents whatever the test likes.
 */
export class HandCoordinator {
  readonly #sandbox: Sandbox;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #seats = new Map<string, Seat>();
  #count = 0;
  /** Laid over the welcome. */
  welcome: Record<string, unknown> = {};

  constructor(sandbox: Sandbox) {
    const pki = (name: string) => readFileSync(join(sandbox.layout.folder, "coordinator/data/pki", name), "utf8");
    const tls = { cert: pki("server.pem"), key: pki("server.key"), ca: pki("ca.pem"), requestCert: true };
    this.#sandbox = sandbox;
    this.#server = createServer(tls);
    this.#server.on("upgrade", (request, socket, head) =>
      this.#sockets.handleUpgrade(request, socket, head, (open) => this.#serve(open)),
    );
  }

  async listen(): Promise<void> {
    this.#server.listen(AGENT_PORT, this.#sandbox.layout.outside);
    await once(this.#server, "listening");
  }

  async close(): Promise<void> {
    for (const { socket } of this.#seats.values()) socket.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  connected(node: NodeName): boolean {
    return this.#seats.get(node)?.socket.readyState === 1;
  }

  /** Whether the connection that the node has now is closed: asked later, when it may have another one. */
  watchEnd(node: NodeName): () => boolean {
    const { socket } = must(this.#seats.get(node), `${node} is connected`);
    return () => socket.readyState !== 1;
  }

  framesOf(node: NodeName): Seat["frames"] {
    return must(this.#seats.get(node), node).frames;
  }

  say(node: NodeName, type: string, body: unknown): void {
    this.#count += 1;
    must(this.#seats.get(node), `${node} is connected`).socket.send(encode(type, String(this.#count), body));
  }

  /** As text, however wrong. */
  sayRaw(node: NodeName, text: string | Buffer): void {
    must(this.#seats.get(node), `${node} is connected`).socket.send(text);
  }

  /** Sends these roles as the next generation, and waits for the report about it. */
  async desire(node: NodeName, roles: Desired["roles"], change: Partial<Desired> = {}): Promise<Report> {
    const held = heldBy(this.#sandbox, node);
    const generation = Math.max(held.generation, this.#reportOf(node)?.desired?.generation ?? 0) + 1;
    this.say(node, "desired", { ...held, generation, roles, hash: hashOf(roles), ...change });
    return await this.reported(node, `generation ${generation}`, (report) => report.desired?.generation === generation);
  }

  /** The first report that is as asked, from now on or the last one. */
  async reported(node: NodeName, what: string, ask: (report: Report) => boolean): Promise<Report> {
    return await until(`${node} reports ${what}`, 20_000, async () => {
      const report = this.#reportOf(node);
      return report !== null && ask(report) ? report : false;
    });
  }

  #reportOf(node: NodeName): Report | null {
    return this.#seats.get(node)?.report ?? null;
  }

  #serve(socket: WebSocket): void {
    const seat: Seat = { socket, report: null, frames: [] };
    socket.on("error", () => undefined);
    socket.on("message", (data) => {
      const { type, body } = JSON.parse(String(data));
      seat.frames.push({ type, body });
      if (type === "hello") this.#greet(seat, body);
      else if (type === "report") seat.report = body;
      else if (type === "records") this.#acknowledge(seat, body);
      else if (type === "log") socket.send(encode("logAck", "l", { runId: body.runId, seq: body.seq }));
    });
  }

  #greet(seat: Seat, hello: { roles: string[]; report: Report }): void {
    const node = `${hello.roles[0]}-1` as NodeName;
    this.#seats.set(node, seat);
    seat.report = hello.report;
    const fence = JSON.parse(readFileSync(join(this.#sandbox.rootOf(node), DATA, "fence.json"), "utf8"));
    const welcome = { ...fence, pingMs: 20_000, wallMs: Date.now(), stack: "duo", ...this.welcome };
    seat.socket.send(encode("welcome", "w", welcome));
  }

  #acknowledge({ socket }: Seat, { runs, audit }: { runs: { id: string }[]; audit: { id: string }[] }): void {
    socket.send(encode("ack", "a", { ids: [...runs, ...audit].map(({ id }) => id) }));
  }
}
