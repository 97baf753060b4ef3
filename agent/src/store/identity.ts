import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { type EnrolAnswer, enrolAnswer } from "@fettle/shared/api/enrol.ts";
import { keyHash } from "@fettle/shared/lib/certificates.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import { type Machine, machine, machineDifference } from "@fettle/shared/protocol/machine.ts";
import * as z from "zod";
import type { Files } from "../system/files.ts";

/** Who this machine is to its coordinator. */
export interface Identity extends EnrolAnswer {
  /** The private key, PKCS#8 PEM; it never leaves this machine. */
  readonly key: Secret;
  /** Wall-clock ms of the certificate's end. */
  readonly expiresAt: number;
  /** The machine that it was made for; absent where that was not written down. */
  readonly machine?: Machine | undefined;
}

/** One for each process: what changes the identity is done one after the other, so that nothing is written back. */
export interface IdentityStore {
  /** null before the enrolment. Throws FettleError `identity.exposed` or `identity.unreadable`. */
  load(): Promise<Identity | null>;
  /**
   * The key to enrol `machine` with, on disk before it is handed out, so that a repeated enrolment brings the same.
   * Another one than the identity's when that was made for another machine: a copy has no key in common with the first.
   */
  key(machine?: Machine): Promise<Secret>;
  /** Makes the coordinator's answer this machine's identity; the key must be the one that `key` gave. */
  save(answer: EnrolAnswer, boundTo?: Machine): Promise<void>;
  /** These roots (PEM, behind each other) count from now on in the place of those held. */
  trust(roots: string): Promise<void>;
  /** The identity that comes next, whole and not yet known to be let in; null when there is none. */
  candidate(): Promise<Identity | null>;
  /** The key of the next identity, on disk before it is handed out; the same until that is promoted or dropped. */
  nextKey(): Promise<Secret>;
  /** The certificate for that key; from now on there is a candidate. */
  offer(certificate: string, boundTo: Machine): Promise<void>;
  /** The candidate is this machine's identity from now on: before or after, never between, wherever it is cut off. */
  promote(): Promise<void>;
  drop(): Promise<void>;
}

const PRIVATE = 0o600;
const OTHERS = 0o077;
const FIRST_KEY = "key.pem";

const stored = enrolAnswer.extend({
  /** Beside this file. */
  keyFile: z
    .string()
    .regex(/^key(-[0-9a-f]{16})?\.pem$/)
    .default(FIRST_KEY),
  machine: machine.optional(),
});
type Stored = z.infer<typeof stored>;

const next = z.object({ key: z.string(), certificate: z.string().max(16_384).nullable(), machine: machine.nullable() });
type Next = z.infer<typeof next>;

export function identityStore(files: Files, dataFolder: string): IdentityStore {
  return new IdentityFiles(files, `${dataFolder}/identity`);
}

class IdentityFiles implements IdentityStore {
  readonly #files: Files;
  readonly #folder: string;
  readonly #path: string;
  readonly #nextPath: string;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
    this.#path = `${folder}/identity.json`;
    this.#nextPath = `${folder}/next.json`;
  }

  async load(): Promise<Identity | null> {
    const found = await this.#stored();
    if (found === null) return null;
    const path = `${this.#folder}/${found.keyFile}`;
    const key = await this.#readKey(found.keyFile);
    if (key === null) throw new FettleError("identity.unreadable", { path, problem: "there is no such file" });
    return check(this.#path, () => identityOf(found, key));
  }

  async key(here?: Machine): Promise<Secret> {
    // An identity that cannot be read is replaced by an enrolment; its key, if there is one, is the first one.
    const found = await this.#stored().catch(() => null);
    if (found?.machine && here && machineDifference(found.machine, here) !== null) return await this.nextKey();
    const present = await this.#readKey(found?.keyFile ?? FIRST_KEY);
    if (present !== null) return present;
    const key = newKey();
    await this.#write(`${this.#folder}/${FIRST_KEY}`, key);
    return new Secret(key);
  }

  save(answer: EnrolAnswer, boundTo?: Machine): Promise<void> {
    return this.#inTurn(async () => {
      const found = await this.#stored().catch(() => null);
      const present = found !== null && (await this.#readKey(found.keyFile)) !== null ? found.keyFile : FIRST_KEY;
      await this.#become({ ...answer, keyFile: present, machine: boundTo }, await this.#nextFor(answer));
    });
  }

  trust(roots: string): Promise<void> {
    return this.#inTurn(async () => {
      const found = await this.#stored();
      if (found === null) throw new FettleError("identity.absent");
      await this.#write(this.#path, text({ ...found, ca: roots }));
    });
  }

  async candidate(): Promise<Identity | null> {
    const found = await this.#stored();
    try {
      const coming = await this.#next();
      if (found === null || coming === null || coming.certificate === null) return null;
      const { certificate, key, machine: boundTo } = coming;
      const whole = { ...found, certificate, machine: boundTo ?? undefined };
      return check(this.#nextPath, () => identityOf(whole, new Secret(key)));
    } catch {
      // What cannot be read is asked for again; it must not be in the way of the one that is good.
      await this.drop();
      return null;
    }
  }

  async nextKey(): Promise<Secret> {
    const coming = await this.#next();
    if (coming !== null && coming.certificate === null) return new Secret(coming.key);
    const key = newKey();
    await this.#write(this.#nextPath, text({ key, certificate: null, machine: null } satisfies Next));
    return new Secret(key);
  }

  async offer(certificate: string, boundTo: Machine): Promise<void> {
    const coming = await this.#next();
    if (coming === null) throw new FettleError("identity.unreadable", { path: this.#nextPath, problem: "it is gone" });
    await this.#write(this.#nextPath, text({ ...coming, certificate, machine: boundTo } satisfies Next));
  }

  promote(): Promise<void> {
    return this.#inTurn(async () => {
      const [found, coming] = [await this.#stored(), await this.#next()];
      if (found === null || coming === null || coming.certificate === null) return;
      const { certificate, machine: boundTo } = coming;
      await this.#become({ ...found, certificate, machine: boundTo ?? undefined }, coming.key);
    });
  }

  /** With the next key in the place of its own, if there is one: that is there before, the one before goes after. */
  async #become(identity: Stored, next: string | null): Promise<void> {
    const keyFile = next === null ? identity.keyFile : keyFileOf(next);
    if (next !== null) await this.#write(`${this.#folder}/${keyFile}`, next);
    await this.#write(this.#path, text({ ...identity, keyFile }));
    await this.drop();
    if (keyFile !== identity.keyFile) await this.#remove(`${this.#folder}/${identity.keyFile}`);
  }

  async drop(): Promise<void> {
    await this.#remove(this.#nextPath);
  }

  async #remove(path: string): Promise<void> {
    if ((await this.#files.stat(path)) !== null) await this.#files.remove(path);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** The next key, if the answer is for it. */
  async #nextFor({ certificate }: EnrolAnswer): Promise<string | null> {
    const coming = await this.#next().catch(() => null);
    if (coming === null) return null;
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(coming.key)) ? coming.key : null;
  }

  async #stored(): Promise<Stored | null> {
    const found = await readPrivate(this.#files, this.#path);
    return found === null ? null : check(this.#path, () => stored.parse(JSON.parse(found)));
  }

  async #next(): Promise<Next | null> {
    const found = await readPrivate(this.#files, this.#nextPath);
    return found === null ? null : check(this.#nextPath, () => next.parse(JSON.parse(found)));
  }

  async #readKey(file: string): Promise<Secret | null> {
    const path = `${this.#folder}/${file}`;
    const found = await readPrivate(this.#files, path);
    if (found !== null) check(path, () => createPrivateKey(found));
    return found === null ? null : new Secret(found);
  }

  async #write(path: string, contents: string): Promise<void> {
    await this.#files.makeFolder(this.#folder, { mode: 0o700 });
    await this.#files.writeAtomic(path, contents, { mode: PRIVATE });
  }
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** Each key has a file of its own, so that the identity's file alone says which one counts. */
function keyFileOf(key: string): string {
  return `key-${keyHash(createPublicKey(key), "hex").slice(0, 16)}.pem`;
}

function text(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function identityOf({ keyFile: _, ...answer }: Stored, key: Secret): Identity {
  const certificate = new X509Certificate(answer.certificate);
  if (!certificate.checkPrivateKey(createPrivateKey(key.reveal()))) throw new Error("the key is not the certificate's");
  return { ...answer, key, expiresAt: certificate.validToDate.getTime() };
}

async function readPrivate(files: Files, path: string): Promise<string | null> {
  const stat = await files.stat(path);
  if (stat === null) return null;
  if (stat.kind !== "file") throw new FettleError("identity.unreadable", { path, problem: `it is a ${stat.kind}` });
  if ((stat.mode & OTHERS) !== 0)
    throw new FettleError("identity.exposed", { path, mode: stat.mode.toString(8).padStart(4, "0") });
  return files.readText(path);
}

function check<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new FettleError("identity.unreadable", { path, problem: messageOf(cause) }, { cause });
  }
}
