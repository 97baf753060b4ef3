import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Code } from "@fettle/shared/codes/codes.ts";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import type { Hello } from "@fettle/shared/protocol/hello.ts";
import { type Machine, machineDifference, machineOf } from "@fettle/shared/protocol/machine.ts";
import { PROTOCOL } from "@fettle/shared/protocol/version.ts";
import type { Welcome } from "@fettle/shared/protocol/welcome.ts";
import type { WebSocket } from "ws";
import { type AgentRoute, routeFor } from "./agent-route.ts";
import type { Question } from "./asks.ts";
import { FleetBrake } from "./fleet-brake.ts";
import type { HubHandlers } from "./handlers.ts";
import type { Limits } from "./limits.ts";
import { Listener, type ListenerTls } from "./listener.ts";
import type { Peer, ShownCertificate } from "./peer.ts";
import { Session, type SessionParts } from "./session.ts";

export interface HubParts {
  readonly address: { readonly host: string; readonly port: number };
  readonly tls: ListenerTls;
  readonly epoch: number;
  readonly incarnation: string;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly handlers: HubHandlers;
  /** What agents may ask for beside the WebSocket. */
  readonly routes: readonly AgentRoute[];
}

/** A node's live connection. */
export interface Connection {
  readonly node: string;
  readonly stack: string;
  /** Wall clock of its hello. */
  readonly since: number;
  /** Wall clock of its last frame of any kind; one that is silent for 60 s is cut. */
  readonly seenAt: number;
  readonly version: string;
  readonly capabilities: readonly string[];
  /** Frames of a type that is not known here, since its hello. */
  readonly ignoredFrames: number;
  /** The token of the agent's update that it was last given; null for none. */
  readonly givenUpdate: string | null;
}

/** Who is connected. Each socket is a Session of its own; the newest of one machine serves. */
export class Hub implements Service {
  readonly id = "hub";
  readonly #parts: HubParts;
  readonly #listener: Listener;
  readonly #brake: FleetBrake;
  /** By node: the session that serves or is being let in. */
  readonly #sessions = new Map<string, Session>();
  readonly #all = new Set<Session>();
  #stopping = false;
  #port: number;

  constructor(parts: HubParts) {
    this.#port = parts.address.port;
    this.#parts = parts;
    this.#brake = new FleetBrake(parts.clock);
    this.#listener = new Listener({
      address: parts.address,
      tls: parts.tls,
      admit: (certificate) => this.#open(certificate),
      serve: (certificate, request, response) => this.#serve(certificate, request, response),
    });
  }

  /** Throws `coordinator.cannot-listen`. */
  async listen(): Promise<AddressInfo> {
    const address = await this.#listener.listen();
    this.#port = address.port;
    return address;
  }

  /** The agents' port; what was configured until it listens. */
  get port(): number {
    return this.#port;
  }

  /** Serves until the signal fires, then says good-bye to all. */
  async run(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    this.#stopping = true;
    const closed = this.#listener.close();
    for (const session of [...this.#all]) session.end(new FettleError("link.going-away"));
    await closed;
  }

  renewCertificate(tls: ListenerTls): void {
    this.#listener.renew(tls);
  }

  /**
   * Sends the desired state, unless this connection was sent exactly the same already; so it may be called at every
   * pass. False when the node is not connected.
   */
  send(node: string, desired: Desired): boolean {
    const session = this.#serving(node);
    session?.sendDesired(desired);
    return session !== undefined;
  }

  /**
   * The result of the agent's answer, not validated further. Throws `link.not-connected`, `link.ask-timeout` (30 s),
   * `link.ask-busy` (one at a time per kind), `link.ask-failed` (with the agent's own code in its arguments), or the
   * code with which the connection ended.
   */
  async ask(node: string, question: Question, signal?: AbortSignal): Promise<unknown> {
    const session = this.#serving(node);
    if (session === undefined) throw new FettleError("link.not-connected", { node });
    return await session.ask(question, signal);
  }

  connected(node: string): boolean {
    return this.#serving(node) !== undefined;
  }

  connection(node: string): Connection | undefined {
    const session = this.#serving(node);
    return session === undefined ? undefined : describe(session);
  }

  connections(): Connection[] {
    return [...this.#sessions.values()].filter(({ serving }) => serving).map(describe);
  }

  /** Says `bye` with the code and closes. */
  cut(node: string, code: Code): void {
    for (const session of [...this.#all]) if (session.peer.node === node) session.end(new FettleError(code, { node }));
  }

  /** Cuts off whoever serves as this node from another machine. */
  cutOthers(node: string, machine: Machine): void {
    for (const session of [...this.#all]) {
      const { peer, hello } = session;
      if (peer.node !== node || hello === null || machineDifference(machineOf(hello), machine) === null) continue;
      session.end(new FettleError("identity.replaced", { node }));
    }
  }

  #serving(node: string): Session | undefined {
    const session = this.#sessions.get(node);
    return session?.serving ? session : undefined;
  }

  async #open(certificate: ShownCertificate): Promise<(socket: WebSocket) => void> {
    if (this.#stopping) throw new FettleError("link.going-away");
    const { clock, limits, handlers } = this.#parts;
    const peer = await this.#identify(certificate);
    const parts: SessionParts = {
      clock,
      limits,
      handlers,
      admit: (session, hello) => this.#admit(session, hello),
      onEnd: (session, error) => this.#ended(session, error),
    };
    return (socket) => this.#all.add(new Session(socket, peer, parts));
  }

  async #serve(certificate: ShownCertificate, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const peer = await this.#identify(certificate);
    const found = routeFor(this.#parts.routes, request);
    if (found === null) throw new FettleError("api.not-found", { what: "such page on this port" });
    await found.route.answer({ peer, certificate, request, response, rest: found.rest });
  }

  async #identify(certificate: ShownCertificate): Promise<Peer> {
    const { handlers } = this.#parts;
    return await handlers.identify(certificate).catch((error: unknown) => {
      if (error instanceof FettleError) handlers.onRefused(null, error);
      throw error;
    });
  }

  async #admit(session: Session, hello: Hello): Promise<Welcome> {
    const { peer } = session;
    const { epoch, incarnation, limits, clock, handlers } = this.#parts;
    await handlers.judge(peer, hello, this.#otherMachine(session, hello));
    const before = this.#sessions.get(peer.node);
    const isOther = this.#otherMachine(session, hello) !== null;
    this.#sessions.set(peer.node, session);
    before?.end(isOther ? new FettleError("identity.replaced", { node: peer.node }) : new FettleError("link.replaced"));
    await handlers.onHello(peer, hello);
    this.#brake.arrived(this.#sessions.size);
    const { pingMs } = limits;
    return { epoch, incarnation, pingMs, wallMs: clock.now(), stack: peer.stack, protocol: PROTOCOL };
  }

  /** The hello of the session that another machine holds with the same node's identity; null when there is none. */
  #otherMachine({ peer }: Session, hello: Hello): Hello | null {
    const there = this.#sessions.get(peer.node)?.hello ?? null;
    return there === null || machineDifference(machineOf(there), machineOf(hello)) === null ? null : there;
  }

  #ended(session: Session, error: FettleError): void {
    const { peer } = session;
    const { handlers } = this.#parts;
    this.#all.delete(session);
    if (FAULTS.has(error.code)) handlers.onRefused(peer, error);
    if (this.#sessions.get(peer.node) !== session) return;
    this.#sessions.delete(peer.node);
    if (this.#stopping) return;
    handlers.onDisconnected(peer, error);
    const lost = this.#brake.departed(this.#sessions.size);
    if (lost !== null) handlers.onFleetLost(lost.gone, lost.all);
  }
}

/** Ends that are worth an event of their own, beside the disconnect. */
const FAULTS: ReadonlySet<Code> = new Set<Code>([
  "identity.duplicate",
  "identity.moved",
  "link.bad-frame",
  "link.hello-first",
  "link.protocol",
  "link.no-hello",
  "link.flood",
  "link.report-too-large",
]);

function describe(session: Session): Connection {
  const { peer, since, seenAt, hello, ignored, givenUpdate } = session;
  return {
    ...peer,
    since,
    seenAt,
    version: hello?.version ?? "",
    capabilities: hello?.capabilities ?? [],
    ignoredFrames: ignored,
    givenUpdate,
  };
}
