import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { hostname } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import type { Caller, World } from "./world.ts";

export interface GatewayAnswer {
  status: number;
  body: string;
}

const AUDIENCE = "gitlab-ai-gateway";
const REALM = "self-managed";
/** What a token for self-hosted models may be used for. */
const UNIT_PRIMITIVES = [
  "complete_code",
  "generate_code",
  "duo_chat",
  "explain_code",
  "write_tests",
  "refactor_code",
  "fix_code",
  "troubleshoot_job",
  "self_hosted_models",
];

/** A request as Rails makes it to the gateway: signed with GitLab's own key, and with the headers it is checked against. */
export async function callGateway(
  world: World,
  caller: Caller,
  path: string,
  body: unknown,
  timeoutMs: number,
): Promise<GatewayAnswer> {
  const { aiGatewayUrl } = world.store.state.duoSettings;
  // Without a gateway of its own GitLab talks to its maker's cloud; that is never reached from here.
  if (!aiGatewayUrl) throw new Error(openFailed("cloud.gitlab.com", "443", "getaddrinfo: Name or service not known"));
  const url = new URL(`${aiGatewayUrl}${path}`);
  return await post(world, url, await headers(world, caller), JSON.stringify(body), timeoutMs);
}

async function headers(world: World, caller: Caller): Promise<Record<string, string>> {
  const { instanceId, version } = world.store.state;
  const claims = {
    jti: randomUUID(),
    aud: AUDIENCE,
    sub: instanceId,
    iss: world.url,
    gitlab_realm: REALM,
    gitlab_instance_id: instanceId,
    scopes: UNIT_PRIMITIVES,
  };
  const token = await world.signer.token(claims, Math.floor(world.now() / 1000));
  return {
    "content-type": "application/json",
    authorization: `Bearer ${token}`,
    "x-gitlab-authentication-type": "oidc",
    "x-gitlab-realm": REALM,
    "x-gitlab-instance-id": instanceId,
    "x-gitlab-global-user-id": Buffer.from(`${instanceId}:${caller.userId}`).toString("base64"),
    "x-gitlab-host-name": hostname(),
    "x-gitlab-version": version.replace(/-.*$/, ""),
    "x-gitlab-rails-send-start": String(world.now() / 1000),
    "x-request-id": randomUUID().replaceAll("-", ""),
    "user-agent": "Ruby",
  };
}

function post(
  world: World,
  url: URL,
  sent: Record<string, string>,
  body: string,
  timeoutMs: number,
): Promise<GatewayAnswer> {
  return new Promise((resolve, reject) => {
    const options = { method: "POST", headers: { ...sent, "content-length": Buffer.byteLength(body) }, agent: false };
    const request =
      url.protocol === "https:"
        ? https.request(url, { ...options, ca: [...rootCertificates, ...trustedCertificates(world.home)] })
        : http.request(url, options);
    const late = setTimeout(() => request.destroy(new Error("Net::ReadTimeout with #<TCPSocket:(closed)>")), timeoutMs);
    request.on("error", (error) => {
      clearTimeout(late);
      reject(new Error(asRuby(error, url)));
    });
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        clearTimeout(late);
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") });
      });
    });
    request.end(body);
  });
}

/** What an administrator would put into /etc/gitlab/trusted-certs. */
function trustedCertificates(home: string): string[] {
  const folder = join(home, "trusted-certs");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
}

/** The texts that Ruby's HTTP client gives for the same failures. */
function asRuby(error: Error & { code?: string }, url: URL): string {
  const host = url.hostname;
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  switch (error.code) {
    case "ECONNREFUSED":
      return openFailed(host, port, `Connection refused - connect(2) for "${host}" port ${port}`);
    case "EHOSTUNREACH":
      return openFailed(host, port, `No route to host - connect(2) for "${host}" port ${port}`);
    case "ETIMEDOUT":
      return openFailed(host, port, "execution expired");
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return openFailed(host, port, "getaddrinfo: Name or service not known");
    case "ECONNRESET":
      return "end of file reached";
  }
  if (/certificate|self.signed/i.test(error.message)) {
    return `SSL_connect returned=1 errno=0 state=error: certificate verify failed (${error.message})`;
  }
  return error.message;
}

function openFailed(host: string, port: string, why: string): string {
  return `Failed to open TCP connection to ${host}:${port} (${why})`;
}
