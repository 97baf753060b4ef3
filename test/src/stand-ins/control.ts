/**
 * How a stand-in is told to fail: HTTP on a Unix socket of its own, away from the product's protocol.
 * GET /state, GET /faults, PUT /faults (a whole JSON object: replaces all). Faults lie beside the socket in a file,
 * so that they outlive a restart of the process, as a broken driver or a bad network does.
 */
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { basename, dirname } from "node:path";

/** Per fault: what it may be, in words for the one who wrote it wrong. */
export type Shape<T> = { [K in keyof T]-?: { is: string; ok: (value: unknown) => boolean } };

const number = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value);

export const kinds = {
  number: { is: "a number", ok: number },
  count: { is: "a number of at least 0", ok: (value: unknown) => number(value) && Number(value) >= 0 },
  share: { is: "a number from 0 to 1", ok: (v: unknown) => number(v) && Number(v) >= 0 && Number(v) <= 1 },
  text: { is: "a text", ok: (value: unknown) => typeof value === "string" && value !== "" },
  flag: { is: "true or false", ok: (value: unknown) => typeof value === "boolean" },
  object: { is: "an object", ok: (value: unknown) => typeof value === "object" && value !== null },
  texts: {
    is: "a list of texts",
    ok: (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === "string"),
  },
};

export class Faults<T extends object> {
  readonly #shape: Shape<T>;
  readonly #file: string | undefined;
  readonly #listeners: (() => void)[] = [];
  #now: Partial<T> = {};

  constructor(shape: Shape<T>, file?: string) {
    this.#shape = shape;
    this.#file = file;
    if (file !== undefined) this.#now = this.#fromFile(file);
  }

  get now(): Partial<T> {
    return this.#now;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Throws a TypeError that says what is wrong; then nothing has changed. */
  replace(wanted: unknown): void {
    this.#now = this.#checked(wanted);
    if (this.#file !== undefined) writeFileSync(this.#file, JSON.stringify(this.#now));
    for (const listener of this.#listeners) listener();
  }

  #fromFile(file: string): Partial<T> {
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch {
      return {};
    }
    return this.#checked(JSON.parse(text));
  }

  #checked(wanted: unknown): Partial<T> {
    if (typeof wanted !== "object" || wanted === null || Array.isArray(wanted)) {
      throw new TypeError("faults: want a JSON object");
    }
    for (const [name, value] of Object.entries(wanted)) {
      const rule = Object.hasOwn(this.#shape, name) ? this.#shape[name as keyof T] : undefined;
      if (rule === undefined) {
        throw new TypeError(`faults: unknown "${name}", want some of ${Object.keys(this.#shape).join(", ")}`);
      }
      if (!rule.ok(value)) throw new TypeError(`faults: "${name}" wants ${rule.is}`);
    }
    return wanted as Partial<T>;
  }
}

export interface Control {
  close(): void;
}

/** The file in which the faults of the control socket `path` are kept. */
export const faultsFile = (path: string): string => `${path}.faults.json`;

export async function serveControl<T extends object>(
  path: string,
  state: () => unknown,
  faults: Faults<T>,
): Promise<Control> {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  const server = createServer((asked, response) => {
    answer(asked, response, state, faults).catch((error: unknown) => say(response, 400, { error: String(error) }));
  });
  await atShortPath(path, async (short) => {
    server.listen(short);
    await once(server, "listening");
  });
  server.unref();
  return {
    close: () => {
      server.close();
      server.closeAllConnections();
      rmSync(path, { force: true });
    },
  };
}

async function answer<T extends object>(
  asked: IncomingMessage,
  response: ServerResponse,
  state: () => unknown,
  faults: Faults<T>,
): Promise<void> {
  const what = `${asked.method} ${asked.url}`;
  if (what === "GET /state") return say(response, 200, state());
  if (what === "PUT /faults") faults.replace(JSON.parse(await textOf(asked)));
  else if (what !== "GET /faults") return say(response, 404, { error: `no ${what}` });
  say(response, 200, faults.now);
}

function say(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(value));
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of message.setEncoding("utf8")) text += chunk;
  return text;
}

/**
 * The other end. Sets the faults of the stand-in whose control socket is `path`; while it does not run they are written
 * where it will look when it starts.
 */
export async function setFaults(path: string, faults: object): Promise<void> {
  try {
    await callControl(path, "PUT", "/faults", faults);
  } catch (error) {
    if (!["ENOENT", "ECONNREFUSED"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(faultsFile(path), JSON.stringify(faults));
  }
}

/** What the stand-in shows of itself. */
export const readState = (path: string): Promise<unknown> => callControl(path, "GET", "/state");

/**
 * The address of a Unix socket holds 107 bytes, which a test's folder easily exceeds; by way of an open folder every
 * path is short.
 */
async function atShortPath<T>(path: string, use: (short: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(path) <= LONGEST_ADDRESS) return use(path);
  const folder = openSync(dirname(path), "r");
  try {
    return await use(`/proc/self/fd/${folder}/${basename(path)}`);
  } finally {
    closeSync(folder);
  }
}

const LONGEST_ADDRESS = 107;

function callControl(control: string, method: string, path: string, body?: object): Promise<unknown> {
  return atShortPath(control, (socketPath) => callAt(socketPath, method, path, body));
}

function callAt(socketPath: string, method: string, path: string, body?: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path, timeout: 5000, agent: false }, (response) => {
      textOf(response).then((text) => {
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
      }, reject);
    });
    call.on("timeout", () => call.destroy(new Error(`${method} ${path}: no answer in 5 s`)));
    call.on("error", reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
