import type { EventEmitter } from "node:events";
import { Socket } from "node:net";
import { Message, type MessageBus, MessageType, systemBus } from "@jellybrick/dbus-next";

const CONNECT_MS = 5_000;

/** A call's target and arguments, as the client library takes them. */
export interface Call {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

/**
 * One connection to the system bus, from its handshake to its end. The client library never settles a call whose
 * connection has ended, so each call has a deadline here, and a deadline that passes ends the connection for all.
 */
export class Connection {
  /** Hears every signal. */
  onSignal: (message: Message) => void = () => {};
  /** Called once, when the connection has ended. */
  onEnd: (cause: Error) => void = () => {};
  readonly #bus: MessageBus;
  readonly #waiting = new Set<(cause: Error) => void>();
  #ended: Error | null = null;

  private constructor(bus: MessageBus) {
    this.#bus = bus;
    // The client's types leave its "error" out; an EventEmitter without a listener for it would throw.
    (bus as EventEmitter).on("error", (error: Error) => this.end(error));
    bus.on("message", (message) => {
      if (message.type === MessageType.SIGNAL && this.#ended === null) this.onSignal(message);
    });
  }

  static open(): Promise<Connection> {
    const bus = systemBus();
    const connection = new Connection(bus);
    return connection.#settle(CONNECT_MS, (done) => {
      bus.once("connect", () => {
        watchSocket(bus, (cause) => connection.end(cause));
        done(connection);
      });
    });
  }

  /** The body of the reply. Throws the library's DBusError when it is an error, else an Error when there is none. */
  call(call: Call, timeoutMs: number): Promise<readonly unknown[]> {
    return this.#settle(timeoutMs, (done, failed) => {
      const message = new Message({ ...call, body: [...(call.body ?? [])] });
      this.#bus.call(message).then((reply) => done(reply?.body ?? []), failed);
    });
  }

  end(cause: Error): void {
    if (this.#ended !== null) return;
    this.#ended = cause;
    this.#bus.disconnect();
    for (const waiting of this.#waiting) waiting(cause);
    this.onEnd(cause);
  }

  /** Waits for what `begin` starts, for the deadline or for the connection's end. */
  #settle<T>(ms: number, begin: (done: (value: T) => void, failed: (cause: Error) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) return reject(this.#ended);
      const timer = setTimeout(() => this.end(new Error(`no answer in ${ms} ms`)), ms);
      const over = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(failed);
      };
      const failed = (cause: Error): void => {
        over();
        reject(cause);
      };
      this.#waiting.add(failed);
      begin((value) => {
        over();
        resolve(value);
      }, failed);
    });
  }
}

/**
 * The library keeps to itself that its socket has closed. The socket is not what keeps the process alive: the deadline
 * of a call is, while there is one.
 */
function watchSocket(bus: MessageBus, ended: (cause: Error) => void): void {
  const inner = bus as unknown as { _connection?: { stream?: unknown } };
  const socket = inner._connection?.stream;
  if (!(socket instanceof Socket)) throw new Error("the D-Bus client no longer holds its socket where it did");
  socket.unref();
  socket.once("close", () => ended(new Error("the bus closed the connection")));
}
