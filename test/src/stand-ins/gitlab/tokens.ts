import { createHash, randomBytes } from "node:crypto";
import type { State, Token } from "./state.ts";
import { nowIso, today, type World } from "./world.ts";

const DAY = 86_400_000;
/** The longest life that GitLab allows, in days. */
const LONGEST = 400;
const SCOPES: ReadonlySet<string> = new Set([
  "api",
  "read_api",
  "read_user",
  "read_repository",
  "write_repository",
  "sudo",
  "admin_mode",
  "ai_features",
  "k8s_proxy",
  "self_rotate",
]);

export interface NewToken {
  user: string;
  name: string;
  scopes: string[];
  expiresAt: string;
  previous?: string;
  /** Only for a token that the tests know beforehand. */
  value?: string;
}

export interface CreatedToken {
  id: string;
  value: string;
}

/** What is wrong with a new token, as ActiveRecord says it. */
export class TokenInvalid extends Error {
  override readonly name = "TokenInvalid";
}

export function createToken(world: Pick<World, "store" | "now">, wanted: NewToken): CreatedToken {
  const problems = validate(world, wanted);
  if (problems.length > 0) throw new TokenInvalid(problems.join(", "));
  const value = wanted.value ?? `glpat-${randomBytes(15).toString("base64url")}`;
  const id = world.store.nextId();
  const token: Token = {
    user: wanted.user,
    name: wanted.name,
    digest: digest(value),
    scopes: wanted.scopes,
    createdAt: nowIso(world),
    expiresAt: wanted.expiresAt,
    revoked: false,
    previous: wanted.previous ?? null,
  };
  world.store.change((state) => {
    state.tokens[id] = token;
  });
  return { id, value };
}

export function findToken(state: State, value: string): { id: string; token: Token } | null {
  const wanted = digest(value);
  for (const [id, token] of Object.entries(state.tokens)) if (token.digest === wanted) return { id, token };
  return null;
}

export function isExpired(world: Pick<World, "now">, token: Token): boolean {
  return typeof token.expiresAt === "string" && token.expiresAt <= today(world);
}

export function isActive(world: Pick<World, "now">, token: Token): boolean {
  return !token.revoked && !isExpired(world, token);
}

/** A week from now unless a day is given. The old token ends at once; the new one's value is told only here. */
export function rotateToken(world: Pick<World, "store" | "now">, id: string, expiresAt?: string): CreatedToken {
  const old = world.store.state.tokens[id];
  if (!old) throw new TokenInvalid("Token not found");
  if (old.revoked) throw new TokenInvalid("Token already revoked");
  const created = createToken(world, {
    user: old.user,
    name: old.name,
    scopes: old.scopes,
    expiresAt: expiresAt ?? new Date(world.now() + 7 * DAY).toISOString().slice(0, 10),
    previous: id,
  });
  revokeToken(world, id);
  return created;
}

export function revokeToken(world: Pick<World, "store">, id: string): void {
  world.store.change((state) => {
    const token = state.tokens[id];
    if (token) token.revoked = true;
  });
}

/** Rotating with a token that was already rotated is taken for theft: every later token of the line is revoked. */
export function revokeDescendants(world: Pick<World, "store">, id: string): void {
  world.store.change((state) => {
    let line = [id];
    while (line.length > 0) {
      const next = Object.entries(state.tokens).filter(([, token]) => token.previous && line.includes(token.previous));
      for (const [, token] of next) token.revoked = true;
      line = next.map(([child]) => child);
    }
  });
}

function validate(world: Pick<World, "now">, wanted: NewToken): string[] {
  const problems: string[] = [];
  if (!wanted.name) problems.push("Name can't be blank");
  if (wanted.scopes.length === 0) problems.push("Scopes can't be blank");
  if (wanted.scopes.some((scope) => !SCOPES.has(scope))) problems.push("Scopes can only contain available scopes");
  const last = new Date(world.now() + LONGEST * DAY).toISOString().slice(0, 10);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(wanted.expiresAt)) problems.push("Expires at can't be blank");
  else if (wanted.expiresAt > last) problems.push(`Expires at must be before ${last}`);
  return problems;
}

function digest(value: string): string {
  return createHash("sha256").update(value).digest("base64");
}
