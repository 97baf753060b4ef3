import { API_ROLES, type ApiRole } from "@fettle/shared/api/route.ts";
import { apiTokenRoute, apiTokensRoute, revokeApiTokenRoute } from "@fettle/shared/api/tokens.ts";
import { CLOUDS } from "../cloud-init/machines.ts";
import type { Declare } from "../command.ts";
import { table, time } from "../render/text.ts";
import type { Session } from "../session.ts";
import { usage } from "../where.ts";
import { createEnrolment, type EnrolmentOptions } from "./enrolment-token.ts";

interface Options extends Partial<EnrolmentOptions> {
  readonly api?: string;
  readonly name?: string;
}

export const token: Declare = (program, act) => {
  const group = program.command("token").description("Tokens: to enrol a machine, or for the API");
  group
    .command("create")
    .description("Make a token; it is shown this once")
    .option(
      "--node <node>",
      "for this machine to enrol, once; prints the token and the line that installs the agent with it",
    )
    .option("--role <roles...>", "the machine's roles; default: those that the stack declares for it")
    .option("--address <host>", "under which that machine reaches the coordinator")
    .option("--ttl <duration>", "how long it is good, as in 30m; default: 1h, with --cloud-init 24h")
    .option("--cloud-init <cloud>", `print the user-data of a machine's first boot instead: ${CLOUDS.join(", ")}`)
    .option("--instance-id <id>", "the only cloud instance that may use it; default: the first machine that does")
    .option("--api <role>", `for the API instead: ${API_ROLES.join(", ")}`)
    .option("--name <name>", "whose API token it is, for the audit")
    .action(act(create));
  group.command("list").description("The API's tokens, without their secrets").action(act(list));
  group.command("revoke").argument("<id>").description("End an API token").action(act(revoke));
};

async function create(session: Session, options: Options): Promise<number> {
  if (options.api !== undefined) return await createApi(session, options.api, options.name);
  const { node } = options;
  if (node === undefined) throw usage("token create takes --node NODE, or --api ROLE --name NAME");
  return await createEnrolment(session, { ...options, node });
}

async function createApi({ api, out, query }: Session, role: string, name: string | undefined): Promise<number> {
  const known = API_ROLES.find((each) => each === role) satisfies ApiRole | undefined;
  if (known === undefined) throw usage(`--api takes ${API_ROLES.join(", ")}, not ${role}`);
  if (name === undefined) throw usage("an API token takes --name NAME, for the audit");
  const answer = await api.call(apiTokenRoute, { query, body: { name, role: known } });
  if (out.isJson) out.json("api-token", answer);
  else out.lines([answer.token]);
  if (!out.isJson)
    out.note(
      `${answer.id}: API token ${name} with the role ${known}; elsewhere: fettle login ${answer.url ?? "URL"} --pin ${answer.pin}; end it with fettle token revoke ${answer.id}`,
    );
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
