import { API_ROLES, type ApiRole } from "@fettle/shared/api/route.ts";
import { apiTokenRoute, apiTokensRoute, enrolmentTokenRoute, revokeApiTokenRoute } from "@fettle/shared/api/tokens.ts";
import type { Declare } from "../command.ts";
import { table, time } from "../render/text.ts";
import type { Session } from "../session.ts";
import { usage } from "../where.ts";

interface Options {
  readonly node?: string;
  readonly role?: readonly string[];
  readonly api?: string;
  readonly name?: string;
}

export const token: Declare = (program, act) => {
  const group = program.command("token").description("Tokens: to enrol a machine, or for the API");
  group
    .command("create")
    .description("Make a token; it is shown this once")
    .option("--node <node>", "for this machine to enrol, once, within the hour")
    .option("--role <roles...>", "the machine's roles; default: those that the stack declares for it")
    .option("--api <role>", `for the API instead: ${API_ROLES.join(", ")}`)
    .option("--name <name>", "whose API token it is, for the audit")
    .action(act(create));
  group.command("list").description("The API's tokens, without their secrets").action(act(list));
  group.command("revoke").argument("<id>").description("End an API token").action(act(revoke));
};

async function create(session: Session, options: Options): Promise<number> {
  if (options.api !== undefined) return await createApi(session, options.api, options.name);
  const { node, role } = options;
  if (node === undefined) throw usage("token create takes --node NODE, or --api ROLE --name NAME");
  const { api, out, query } = session;
  const body = { node, ...(role === undefined ? {} : { roles: [...role] }) };
  const answer = await api.call(enrolmentTokenRoute, { query, body });
  if (out.isJson) out.json("enrolment-token", answer);
  else out.lines([answer.token]);
  if (!out.isJson)
    out.note(
      `for ${node} (${answer.roles.join(", ")}), good once until ${time(answer.expiresAt)}; next, on that machine: fettle-agent enrol`,
    );
  return 0;
}

async function createApi({ api, out, query }: Session, role: string, name: string | undefined): Promise<number> {
  const known = API_ROLES.find((each) => each === role) satisfies ApiRole | undefined;
  if (known === undefined) throw usage(`--api takes ${API_ROLES.join(", ")}, not ${role}`);
  if (name === undefined) throw usage("an API token takes --name NAME, for the audit");
  const answer = await api.call(apiTokenRoute, { query, body: { name, role: known } });
  if (out.isJson) out.json("api-token", answer);
  else out.lines([answer.token]);
  if (!out.isJson)
    out.note(`${answer.id}: API token ${name} with the role ${known}; end it with fettle token revoke ${answer.id}`);
  return 0;
}

async function list({ api, out }: Session): Promise<number> {
  const answer = await api.call(apiTokensRoute, {});
  if (out.isJson) out.json("api-tokens", answer);
  else {
    const rows = answer.tokens.map(({ id, name, role, stack, revokedAt }) => [
      id,
      name,
      role,
      stack,
      revokedAt === null ? "" : `revoked ${time(revokedAt)}`,
    ]);
    out.lines(table(["ID", "NAME", "ROLE", "STACK", ""], rows, out.columns));
  }
  return 0;
}

async function revoke({ api, out }: Session, id: string): Promise<number> {
  const answer = await api.call(revokeApiTokenRoute, { params: { id } });
  if (out.isJson) out.json("api-token-revoked", answer);
  else out.lines([`${id} is revoked`]);
  return 0;
}
