import { type Answer, json } from "./answer.ts";
import { isObject } from "./merge-patch.ts";
import { createToken, TokenInvalid } from "./tokens.ts";
import type { World } from "./world.ts";

/** What the script is given, as JSON. */
export interface MintParams {
  actor: string;
  name: string;
  scopes: string[];
  expiresAt: string;
}

/** What the script's database work comes to: the token, or the exception that Rails ends with. */
export function mintToken(world: World, body: unknown): Answer {
  const params = readMintParams(body);
  if (world.faults.now.rails !== null) return exception(world.faults.now.rails);
  const user = Object.entries(world.store.state.users).find(([, { username }]) => username === params.actor)?.[0];
  if (user === undefined) return exception("ActiveRecord::RecordNotFound: Couldn't find User");
  // Maintenance mode stops requests, not the database: only a Geo secondary cannot be written to from here.
  if (world.store.state.geo === "secondary") {
    return exception(
      "ActiveRecord::StatementInvalid: PG::ReadOnlySqlTransaction: ERROR: cannot execute INSERT in a read-only transaction",
    );
  }
  try {
    const created = createToken(world, { user, name: params.name, scopes: params.scopes, expiresAt: params.expiresAt });
    return json(201, { id: Number(created.id), token: created.value, expiresAt: params.expiresAt });
  } catch (error) {
    if (error instanceof TokenInvalid)
      return exception(`ActiveRecord::RecordInvalid: Validation failed: ${error.message}`);
    throw error;
  }
}

export function readMintParams(value: unknown): MintParams {
  const given = isObject(value) ? value : {};
  const scopes = Array.isArray(given.scopes) ? given.scopes.map(String) : [];
  const read = (key: string) => (typeof given[key] === "string" ? given[key] : "");
  return { actor: read("actor"), name: read("name"), scopes, expiresAt: read("expiresAt") };
}

function exception(message: string): Answer {
  return json(422, { message });
}
