import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Log } from "./log.ts";
import { goFileError } from "./models/traversable.ts";

/** `~/.ollama/id_ed25519`, made at the first start in OpenSSH's format, with its `.pub` beside it. */
export function ensureKeyPair(home: string, log: Log): void {
  const path = join(home, ".ollama", "id_ed25519");
  if (existsSync(path)) return;
  log.print(`Couldn't find '${path}'. Generating new private key.`);
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw new Error(`could not create directory ${goFileError(error)}`, { cause: error });
  }
  const { secret, open } = newKey();
  try {
    writeFileSync(path, secret, { mode: 0o600 });
    writeFileSync(`${path}.pub`, `${open}\n`);
  } catch (error) {
    throw new Error(goFileError(error), { cause: error });
  }
  log.print(`Your new public key is: \n\n${open}\n`);
}

function newKey(): { secret: string; open: string } {
  const { privateKey } = generateKeyPairSync("ed25519");
  const jwk = privateKey.export({ format: "jwk" });
  const pub = Buffer.from(jwk.x ?? "", "base64url");
  const seed = Buffer.from(jwk.d ?? "", "base64url");
  const kind = field("ssh-ed25519");
  const open = Buffer.concat([kind, field(pub)]);
  const check = randomBytes(4);
  const inner = Buffer.concat([check, check, kind, field(pub), field(Buffer.concat([seed, pub])), field("")]);
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, index) => index + 1));
  const one = Buffer.from([0, 0, 0, 1]);
  const head = [Buffer.from("openssh-key-v1\0"), field("none"), field("none"), field(""), one, field(open)];
  const all = Buffer.concat([...head, field(Buffer.concat([inner, padding]))]).toString("base64");
  const lines = all.match(/.{1,70}/g) ?? [];
  const label = "OPENSSH PRIVATE KEY";
  return {
    secret: [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n"),
    open: `ssh-ed25519 ${open.toString("base64")}`,
  };
}

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
