import { GraphQLError, graphql } from "graphql";
import { type Answer, json } from "./answer.ts";
import { hasScope, type Identity } from "./auth.ts";
import { isObject } from "./merge-patch.ts";
import { MUTATIONS } from "./mutations.ts";
import { QUERIES, type Resolver } from "./queries.ts";
import { generationOf, loadSchema } from "./schema.ts";
import { type Call, stateOf, type World } from "./world.ts";

/** Longer query texts are refused. */
const LONGEST_QUERY = 10_000;

const ROOT = {
  ...Object.fromEntries(Object.entries(QUERIES).map(([name, run]) => [name, watched(name, run)])),
  ...MUTATIONS,
};

/** POST /api/graphql. A token that is not good for it is 401 whatever the reason, unlike in the REST API. */
export async function answerGraphql(world: World, identity: Identity, body: string): Promise<Answer> {
  if (world.faults.now.graphqlTimeout) {
    return failure(503, "Request timed out. Please try a less complex query or a smaller set of records.");
  }
  if (identity.kind === "refused") return failure(401, "Invalid token");
  const caller = identity.kind === "caller" ? identity.caller : null;
  if (caller && !hasScope(caller, ["api", "read_api"])) return failure(401, "Invalid token");
  const asked = read(body);
  if (asked === null) return failure(400, "Bad request");
  if (asked.query.length > LONGEST_QUERY) return failure(422, "Query too large");
  const call: Call = { world, caller };
  const schema = loadSchema(generationOf(stateOf(call).version));
  const result = await graphql({
    schema,
    source: asked.query,
    rootValue: ROOT,
    contextValue: call,
    variableValues: asked.variables,
    operationName: asked.operationName,
  });
  return json(200, result);
}

function watched(name: string, run: Resolver): Resolver {
  return (args: never, call: Call) => {
    const { world, caller } = call;
    world.requests.add({ at: world.now(), kind: "query", name, token: caller?.token.name ?? "", writes: false });
    const denied = world.faults.now.deny[name];
    if (denied !== undefined) throw new GraphQLError(denied);
    return run(args, call);
  };
}

interface Asked {
  query: string;
  variables: Record<string, unknown>;
  operationName: string | null;
}

function read(body: string): Asked | null {
  const parsed = parse(body);
  if (!isObject(parsed) || typeof parsed.query !== "string") return null;
  const { query, variables, operationName } = parsed;
  return {
    query,
    variables: isObject(variables) ? variables : {},
    operationName: typeof operationName === "string" ? operationName : null,
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function failure(status: number, message: string): Answer {
  return json(status, { errors: [{ message }] });
}
