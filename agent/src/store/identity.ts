import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { type EnrolAnswer, enrolAnswer } from "@fettle/shared/api/enrol.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import type { Files } from "../system/files.ts";

/** Who this machine is to its coordinator. */
export interface Identity extends EnrolAnswer {
  /** The private key, PKCS#8 PEM; it never leaves this machine. */
  readonly key: Secret;
  /** Wall-clock ms of the certificate's end. */
  readonly expiresAt: number;
}

export interface IdentityStore {
  /** null before the enrolment. Throws FettleError `identity.exposed` or `identity.unreadable`. */
  load(): Promise<Identity | null>;
  /** The key of this machine, made and on disk before it is handed out, so that a repeated enrolment brings the same. */
  key(): Promise<Secret>;
  /** Makes the coordinator's answer this machine's identity; the key must be the one that `key` gave. */
  save(answer: EnrolAnswer): Promise<void>;
  /** These roots (PEM, behind each other) count from now on in the place of those held. */
  trust(roots: string): Promise<void>;
}

const PRIVATE = 0o600;
const OTHERS = 0o077;

export function identityStore(files: Files, dataFolder: string): IdentityStore {
  const folder = `${dataFolder}/identity`;
  const keyPath = `${folder}/key.pem`;
  const path = `${folder}/identity.json`;
  const readKey = async (): Promise<Secret | null> => {
    const text = await readPrivate(files, keyPath);
    if (text !== null) check(keyPath, () => createPrivateKey(text));
    return text === null ? null : new Secret(text);
  };
  return {
    async load() {
      const text = await readPrivate(files, path);
      if (text === null) return null;
      const key = await readKey();
      if (key === null)
        throw new FettleError("identity.unreadable", { path: keyPath, problem: "there is no such file" });
      return check(path, () => identityOf(enrolAnswer.parse(JSON.parse(text)), key));
    },
    async key() {
      const present = await readKey();
      if (present !== null) return present;
      await files.makeFolder(folder, { mode: 0o700 });
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const text = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
      await files.writeAtomic(keyPath, text, { mode: PRIVATE });
      return new Secret(text);
    },
    async trust(roots) {
      const text = await readPrivate(files, path);
      if (text === null) throw new FettleError("identity.absent");
      const answer = check(path, () => enrolAnswer.parse(JSON.parse(text)));
      await files.writeAtomic(path, `${JSON.stringify({ ...answer, ca: roots }, null, 2)}\n`, { mode: PRIVATE });
    },
    save: (answer) => files.writeAtomic(path, `${JSON.stringify(answer, null, 2)}\n`, { mode: PRIVATE }),
  };
}

function identityOf(answer: EnrolAnswer, key: Secret): Identity {
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
