import { API_PORT } from "@fettle/shared/api/enrol.ts";
import { nodesRoute } from "@fettle/shared/api/nodes.ts";
import { hostPort } from "@fettle/shared/lib/address.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import { Client, RemoteError } from "../client.ts";
import type { Declare } from "../command.ts";
import { askHidden } from "../hidden.ts";
import { type Login, loginPath, removeLogin, writeLogin } from "../login-file.ts";
import { askForCa, isPin, type Proof } from "../pinned.ts";
import type { Session } from "../session.ts";
import { usage } from "../where.ts";

interface Options {
  readonly pin?: string;
  readonly ca?: string;
  readonly tokenFile?: string;
}

export const login: Declare = (program, act) => {
  program
    .command("login")
    .argument("<url>", "the coordinator's, as in https://10.0.0.5:7443")
    .description("Remember a coordinator elsewhere and this user's token for it")
    .option("--pin <pin>", "sha256//… of the coordinator's key, as its install and `token create` print it")
    .option("--ca <file>", "a copy of its CA's certificate instead")
    .option("--token-file <file>", "the API token; default: standard input")
    .action(act(enter));
};

export const logout: Declare = (program, act) => {
  program.command("logout").description("Forget what login stored").action(act(leave));
};

async function enter(session: Session, text: string, options: Options): Promise<number> {
  const { out, environment, signal } = session;
  const url = urlOf(text);
  const proof = await proofOf(session, options);
  const { ca, coordinatorName } = await askForCa(url, proof, signal);
  const token = await tokenOf(session, options.tokenFile);
  const entry = { url: url.origin, ca: "ca" in proof ? proof.ca : ca, name: coordinatorName, token };
  await check(entry, signal);
  const file = writeLogin(environment, entry);
  if (out.isJson) out.json("login", { url: entry.url, file });
  else out.lines([`logged in at ${entry.url}; kept in ${file}`]);
  return 0;
}

/** `HOST`, `HOST:PORT` or an https URL; the port is the API's unless it says another. Throws `cli.usage`. */
function urlOf(text: string): URL {
  const whole = text.includes("://") ? text : `https://${text}`;
  if (!URL.canParse(whole)) throw usage(`${text} is no URL`);
  const url = new URL(whole);
  if (url.protocol !== "https:")
    throw usage("the URL must begin with https://, or the token would travel in the clear");
  if (url.username !== "" || url.password !== "") throw usage("a token is not part of the URL");
  return new URL(url.port === "" && !/:443\/?$/.test(whole) ? `https://${hostPort(bare(url), API_PORT)}` : url.origin);
}

function bare({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

async function proofOf({ read }: Session, { pin, ca }: Options): Promise<Proof> {
  if (pin !== undefined && ca !== undefined) throw usage("--pin or --ca, not both");
  if (ca !== undefined) return { ca: await read(ca) };
  if (pin === undefined) throw usage("login takes --pin sha256//… or --ca FILE, to know that it is the coordinator");
  if (!isPin(pin)) throw usage("a pin is sha256// and 44 characters of base64");
  return { pin };
}

async function tokenOf({ read, signal }: Session, file: string | undefined): Promise<string> {
  const asks = (file === undefined || file === "-") && process.stdin.isTTY === true;
  const token = (asks ? await askHidden("API token: ", signal) : await read(file ?? "-")).trim();
  if (!/^fettleapi1\.[A-Za-z0-9_.-]+$/.test(token)) throw usage("what was given is no API token (fettleapi1.…)");
  return token;
}

/** That the coordinator takes the token, asked as every command will ask. A stack there need not be. */
async function check({ url, ca, name, token }: Login, signal: AbortSignal): Promise<void> {
  const target = { kind: "https", url: new URL(url), token: new Secret(token), trust: { pem: ca, name } } as const;
  try {
    await new Client(() => target, signal).call(nodesRoute, { query: {} });
  } catch (error) {
    if (!(error instanceof RemoteError) || !error.code.startsWith("stack.")) throw error;
  }
}

async function leave({ out, environment }: Session): Promise<number> {
  const had = removeLogin(environment);
  const file = loginPath(environment);
  if (out.isJson) out.json("logout", { had, file });
  else
    out.lines([
      had ? `forgot the login in ${file}; its token is good until fettle token revoke` : "there was no login",
    ]);
  return 0;
}
