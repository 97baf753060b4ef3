import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type EnrolAnswer, enrolAnswer, LINK_PATH } from "@fettle/shared/api/enrol.ts";
import { encode } from "@fettle/shared/protocol/codec.ts";
import type { Hello } from "@fettle/shared/protocol/hello.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import { PROTOCOL } from "@fettle/shared/protocol/version.ts";
import { roles } from "@fettle/shared/roles/roles.ts";
import { WebSocket } from "ws";
import type { NodeName } from "../sandbox/layout.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";

export interface StolenIdentity {
  readonly answer: EnrolAnswer;
  readonly key: string;
  readonly machineId: string;
}

/** What somebody holds who has broken into the machine: its key, certificate and machine-id. */
export function stealIdentity(sandbox: Sandbox, node: NodeName): StolenIdentity {
  const read = (path: string) => readFileSync(join(sandbox.rootOf(node), path), "utf8");
  const folder = "var/lib/fettle-agent/identity";
  const identity = JSON.parse(read(`${folder}/identity.json`)) as { keyFile: string };
  return {
    answer: enrolAnswer.parse(identity),
    key: read(`${folder}/${identity.keyFile}`),
    machineId: read("etc/machine-id").trim(),
  };
}

export function reportOf(change: Partial<Report> = {}): Report {
  return { desired: null, facts: {}, resources: [], health: null, ports: [], pauses: [], ...change };
}

interface Frame {
  readonly type: string;
  readonly body: Record<string, unknown>;
}

/** An agent's end of the wire, made by hand so that it can misbehave. */
export class HandAgent {
  readonly socket: WebSocket;
  readonly frames: Frame[] = [];
  readonly #identity: StolenIdentity;
  #count = 0;

  constructor(address: string, identity: StolenIdentity) {
    const { answer, key } = identity;
    this.#identity = identity;
    const tls = { ca: answer.ca, cert: answer.certificate, key, servername: answer.coordinatorName };
    const url = `wss://${address}:${answer.agentPort}${LINK_PATH}`;
    this.socket = new WebSocket(url, { ...tls, perMessageDeflate: false });
    this.socket.on("message", (data) => this.frames.push(JSON.parse(String(data)) as Frame));
    this.socket.on("error", () => undefined);
  }

  /** Connected and past the hello. */
  static async welcomed(address: string, identity: StolenIdentity, change: Partial<Hello> = {}): Promise<HandAgent> {
    const agent = new HandAgent(address, identity);
    await once(agent.socket, "open");
    agent.say("hello", agent.hello(change));
    await agent.got("welcome");
    return agent;
  }

  hello(change: Partial<Hello> = {}): Hello {
    return {
      version: "0.1.0",
      protocol: PROTOCOL,
      capabilities: roles.flatMap(({ capabilities }) => capabilities),
      roles: this.#identity.answer.roles,
      machineId: this.#identity.machineId,
      bootId: "b1",
      instanceId: "",
      wallMs: Date.now(),
      monoMs: 1,
      report: reportOf(),
      ...change,
    };
  }

  say(type: string, body: unknown): void {
    this.#count += 1;
    this.socket.send(encode(type, String(this.#count), body));
  }

  /** The body of the first frame of this type. */
  async got(type: string): Promise<Frame["body"]> {
    for (;;) {
      const frame = this.frames.find((one) => one.type === type);
      if (frame !== undefined) return frame.body;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed before ${type}`);
      await Promise.race([once(this.socket, "message"), once(this.socket, "close")]);
    }
  }

  /** Sends and waits until the coordinator has taken everything up to here. */
  async settled(): Promise<void> {
    const before = this.frames.filter(({ type }) => type === "ack").length;
    this.say("records", { runs: [], audit: [] });
    while (this.frames.filter(({ type }) => type === "ack").length === before) {
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`ended: ${await this.ended()}`);
      await Promise.race([once(this.socket, "message"), once(this.socket, "close")]);
    }
  }

  /** The code with which the coordinator ended it. */
  async ended(): Promise<string> {
    if (this.socket.readyState !== WebSocket.CLOSED) await once(this.socket, "close");
    const bye = this.frames.findLast(({ type }) => type === "bye");
    return String(bye?.body.code ?? "none");
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    this.socket.close();
    await once(this.socket, "close");
  }
}
