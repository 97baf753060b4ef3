import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const HOUR = 3600;
const NOT_BEFORE = 5;

/** GitLab's OpenID Connect signing key: the gateway verifies GitLab's calls with its public half. */
export class Signer {
  readonly #home: string;
  #loading: Promise<KeyObject> | null = null;

  constructor(home: string) {
    this.#home = home;
  }

  /** Starts making or reading the key, which takes a moment that nobody has to wait for at start. */
  warm(): void {
    this.#key().catch(() => {
      this.#loading = null;
    });
  }

  async jwks(): Promise<{ keys: Record<string, unknown>[] }> {
    const jwk = publicJwk(await this.#key());
    return { keys: [{ ...jwk, kid: thumbprint(jwk), use: "sig", alg: "RS256" }] };
  }

  /** An RS256 token that is good for an hour. Seconds since the epoch. */
  async token(claims: Record<string, unknown>, nowSeconds: number): Promise<string> {
    const key = await this.#key();
    const header = { typ: "JWT", alg: "RS256", kid: thumbprint(publicJwk(key)) };
    const times = { iat: nowSeconds, nbf: nowSeconds - NOT_BEFORE, exp: nowSeconds + HOUR };
    const signed = `${encode(header)}.${encode({ ...claims, ...times })}`;
    return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
  }

  /** Resolves when no key is being made any more, so that nothing is written after a stop. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#loading]);
  }

  /** A new key; whoever still holds the old public half refuses what is signed from now on. */
  rotate(): void {
    this.#loading = make(this.#file);
  }

  get #file(): string {
    return join(this.#home, "openid-connect.key");
  }

  #key(): Promise<KeyObject> {
    this.#loading ??= existsSync(this.#file) ? read(this.#file) : make(this.#file);
    return this.#loading;
  }
}

async function read(file: string): Promise<KeyObject> {
  return createPrivateKey(readFileSync(file));
}

async function make(file: string): Promise<KeyObject> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  return privateKey;
}

function publicJwk(key: KeyObject): { kty: string; n: string; e: string } {
  const { kty, n, e } = createPublicKey(key).export({ format: "jwk" });
  return { kty: String(kty), n: String(n), e: String(e) };
}

/** RFC 7638. */
function thumbprint(jwk: { kty: string; n: string; e: string }): string {
  return createHash("sha256")
    .update(JSON.stringify({ e: jwk.e, kty: jwk.kty, n: jwk.n }))
    .digest("base64url");
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
