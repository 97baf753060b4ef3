/** What the contract's cases share: one Engine, its containers, and how to look at it. */
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { Test } from "tap";

export interface Target {
  docker: Docker;
  socket: string;
  image: string;
  /** A loopback address of the machine that ports are published on. */
  address: string;
}

export interface ContractCase {
  name: string;
  run: (t: Test, kit: Kit) => Promise<void>;
}

const LABEL = "fettle.contract.case";

export class Kit {
  readonly target: Target;
  readonly docker: Docker;
  readonly image: string;
  /** Tells this case's containers from others'. */
  readonly mark = randomBytes(4).toString("hex");
  readonly #t: Test;

  constructor(t: Test, target: Target) {
    this.#t = t;
    this.target = target;
    this.docker = target.docker;
    this.image = target.image;
  }

  name(suffix: string): string {
    return `c${this.mark}-${suffix}`;
  }

  async create(suffix: string, options: Docker.ContainerCreateOptions = {}): Promise<Docker.Container> {
    const Labels = { [LABEL]: this.mark, ...options.Labels };
    const container = await this.docker.createContainer({
      Image: this.image,
      ...options,
      Labels,
      name: this.name(suffix),
    });
    this.#t.teardown(async () => {
      await container.remove({ force: true }).catch((error: { statusCode?: number }) => {
        if (error.statusCode !== 404 && error.statusCode !== 409) throw error;
      });
    });
    return container;
  }

  async started(suffix: string, options: Docker.ContainerCreateOptions = {}): Promise<Docker.Container> {
    const container = await this.create(suffix, options);
    await container.start();
    return container;
  }

  /** Started, and so far that it hears signals: a program in its first moments is ended by any. */
  async ready(suffix: string, options: Docker.ContainerCreateOptions = {}): Promise<Docker.Container> {
    const container = await this.started(suffix, options);
    await this.until(
      () => container.logs({ stdout: true }),
      (text) => String(text).includes("out"),
    );
    return container;
  }

  /** A port that was free a moment ago. */
  async freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, this.target.address, resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  published(port: number): Docker.ContainerCreateOptions {
    const HostPort = String(port);
    return { HostConfig: { PortBindings: { "8080/tcp": [{ HostIp: this.target.address, HostPort }] } } };
  }

  /** The status and message that an Engine refuses with; fails when it does not refuse. */
  async refusal(what: Promise<unknown>): Promise<{ status: number; message: string }> {
    try {
      await what;
    } catch (error) {
      const { statusCode = 0, json } = error as { statusCode?: number; json?: { message?: string } };
      return { status: statusCode, message: json?.message ?? String(error) };
    }
    throw new Error("it was not refused");
  }

  /** Looks until `ready` holds, for at most 10 s. */
  async until<T>(look: () => Promise<T>, ready: (seen: T) => boolean): Promise<T> {
    const ends = Date.now() + 10_000;
    for (;;) {
      const seen = await look();
      if (ready(seen)) return seen;
      if (Date.now() > ends) throw new Error(`not in 10 s: ${JSON.stringify(seen)}`);
      await sleep(25);
    }
  }

  /** Asks the published port until it answers. */
  async fetched(port: number): Promise<string> {
    const look = (): Promise<string> =>
      this.http({ host: this.target.address, port, path: "/" }).then(
        ({ text }) => text,
        () => "",
      );
    return await this.until(look, (text) => text !== "");
  }

  /** A plain request, to the Engine's socket unless told otherwise. */
  async http(options: { host?: string; port?: number; path: string; method?: string; body?: unknown }): Promise<{
    status: number;
    headers: Record<string, unknown>;
    bytes: Buffer;
    text: string;
  }> {
    const { body, ...rest } = options;
    const where = rest.host === undefined ? { ...rest, socketPath: this.target.socket } : rest;
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    return await new Promise((resolve, reject) => {
      const sent = request({ ...where, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const bytes = Buffer.concat(chunks);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString("utf8") });
        });
      });
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** Events from now on; `take` waits until `count` of them match. */
  async events(filters: Record<string, string[]> = {}): Promise<EventTape> {
    const own = { label: [`${LABEL}=${this.mark}`], ...filters };
    const stream = (await this.docker.getEvents({ filters: own })) as NodeJS.ReadableStream & { destroy(): void };
    this.#t.teardown(() => stream.destroy());
    return new EventTape(stream, this);
  }
}

export interface Seen {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  time: number;
}

export class EventTape {
  readonly #kit: Kit;
  readonly seen: Seen[] = [];

  constructor(stream: NodeJS.ReadableStream, kit: Kit) {
    this.#kit = kit;
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("error", () => undefined);
    stream.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines.filter(Boolean)) this.seen.push(JSON.parse(line) as Seen);
    });
  }

  async actions(last: string, count = 1): Promise<string[]> {
    await this.#kit.until(
      async () => this.seen.filter(({ Action }) => Action === last).length,
      (found) => found >= count,
    );
    return this.seen.map(({ Action }) => Action);
  }
}
