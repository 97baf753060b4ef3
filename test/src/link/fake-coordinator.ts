import { EventEmitter, once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { encode } from "@fettle/shared/protocol/codec.ts";
import type { DownBody, DownType } from "@fettle/shared/protocol/down.ts";
import type { UpMessage } from "@fettle/shared/protocol/up.ts";
import { type WebSocket, WebSocketServer } from "ws";
import type { TestCa } from "./certificates.ts";

export interface Frame {
  readonly type: UpMessage["type"];
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into bodies of every type
  readonly body: any;
}

/** What the coordinator does with a new connection, beside taking down its frames. */
export type Script = (peer: Peer) => void;

/** One agent's connection, as the coordinator sees it. */
export class Peer {
  readonly frames: Frame[] = [];
  readonly socket: WebSocket;
  closed = false;
  readonly #news = new EventEmitter();

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) => {
      this.frames.push(JSON.parse(String(data)) as Frame);
      this.#news.emit("news");
    });
    socket.on("close", () => {
      this.closed = true;
      this.#news.emit("news");
    });
  }

  send<T extends DownType>(type: T, body: DownBody<T>): void {
    this.socket.send(encode(type, "1", body));
  }

  /** Waits until `look` finds something in the frames. */
  async until<T>(look: (peer: this) => T | undefined | false): Promise<T> {
    for (;;) {
      const found = look(this);
      if (found !== undefined && found !== false) return found;
      await once(this.#news, "news", { signal: AbortSignal.timeout(10_000) });
    }
  }

  first(type: Frame["type"]): Promise<Frame> {
    return this.until((peer) => peer.frames.find((frame) => frame.type === type));
  }

  of(type: Frame["type"]): Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }
}

export const welcome = { epoch: 3, incarnation: "a", pingMs: 20_000, wallMs: 0, stack: "duo" };

/** Acts once hello has come; a connection that ends before is left alone. */
export function onHello(act: (peer: Peer) => void): Script {
  return (peer) => {
    peer.first("hello").then(
      () => act(peer),
      () => {},
    );
  };
}

/** A listener for agents, written by hand: TLS with a client certificate, upgrade, frames; it does as the script says. */
export class FakeCoordinator {
  readonly peers: Peer[] = [];
  readonly #server: Server;
  readonly #news = new EventEmitter();
  /** HTTP status instead of an upgrade, with headers. */
  refuse: { status: number; headers?: Record<string, string> } | null = null;
  attempts = 0;
  script: Script = onHello((peer) => peer.send("welcome", { ...welcome, wallMs: Date.now() }));

  constructor(ca: TestCa, server: { cert: string; key: string }) {
    const tls = {
      ...server,
      ca: ca.certificate,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.3",
    } as const;
    this.#server = createServer(tls);
    const sockets = new WebSocketServer({ noServer: true });
    this.#server.on("upgrade", (request, socket, head) => {
      this.attempts += 1;
      this.#news.emit("news");
      if (this.refuse !== null) {
        const headers = Object.entries(this.refuse.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
        socket.end(`HTTP/1.1 ${this.refuse.status} No\r\n${headers.join("")}Content-Length: 0\r\n\r\n`);
        return;
      }
      sockets.handleUpgrade(request, socket, head, (ws) => {
        const peer = new Peer(ws);
        this.peers.push(peer);
        this.script(peer);
        this.#news.emit("news");
      });
    });
  }

  async listen(): Promise<{ host: string; port: number; apiPort: number }> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    return { host: "127.0.0.1", port, apiPort: port };
  }

  /** The n-th connection, from 0. */
  async peer(index: number): Promise<Peer> {
    for (;;) {
      const peer = this.peers[index];
      if (peer !== undefined) return peer;
      await once(this.#news, "news", { signal: AbortSignal.timeout(10_000) });
    }
  }

  async attempted(times: number): Promise<void> {
    while (this.attempts < times) await once(this.#news, "news", { signal: AbortSignal.timeout(10_000) });
  }

  close(): void {
    for (const peer of this.peers) peer.socket.terminate();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
