import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "@fettle/shared/lib/must.ts";
import type { Test } from "tap";
import { type GitlabOptions, type RunningGitlab, startGitlab } from "./start-gitlab.ts";

/** What the tests of the stand-in share: a running one, and its clients. */
export const ADMIN = "glpat-test-administrator";
export const SEAT = {
  addOnPurchaseId: "gid://gitlab/GitlabSubscriptions::AddOnPurchase/1",
  userId: "gid://gitlab/User/1",
};
export const READ_ONLY = "You cannot perform write operations on a read-only instance";
export const NOT_AVAILABLE =
  "The resource that you are attempting to access does not exist or you don't have permission to perform this action";

export interface Running extends RunningGitlab {
  home: string;
  control: string;
}

export async function gitlab(t: Test, options: Partial<GitlabOptions> = {}): Promise<Running> {
  const home = options.home ?? mkdtempSync(join(tmpdir(), "fettle-gitlab-"));
  const control = join(home, "control.sock");
  const running = await startGitlab({ home, control, adminToken: ADMIN, ...options });
  t.teardown(async () => {
    await running.stop();
    rmSync(home, { recursive: true, force: true });
  });
  return { ...running, home, control };
}

export interface Answer {
  status: number;
  type: string;
  text: string;
  json: Record<string, unknown>;
}

export interface Asked {
  method?: string;
  token?: string | undefined;
  headers?: Record<string, string>;
  body?: unknown;
}

export function ask({ url, ca }: RunningGitlab, path: string, asked: Asked = {}): Promise<Answer> {
  const token = "token" in asked ? asked.token : ADMIN;
  const headers = {
    ...(token ? { "private-token": token } : {}),
    "content-type": "application/json",
    ...asked.headers,
  };
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      new URL(path, url),
      { ca, method: asked.method ?? "GET", headers, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        response.on("end", () => {
          const type = response.headers["content-type"] ?? "";
          const parsed: unknown = type.startsWith("application/json") ? JSON.parse(text) : {};
          resolve({ status: response.statusCode ?? 0, type, text, json: (parsed ?? {}) as Record<string, unknown> });
        });
      },
    );
    sent.on("error", reject);
    sent.end(asked.body === undefined ? undefined : JSON.stringify(asked.body));
  });
}

interface GraphqlAnswer {
  data?: Record<string, unknown> | null;
  errors?: { message: string }[];
}

export async function graphql(
  running: RunningGitlab,
  query: string,
  variables = {},
  token = ADMIN,
): Promise<GraphqlAnswer> {
  const answer = await ask(running, "/api/graphql", { method: "POST", token, body: { query, variables } });
  return answer.json as GraphqlAnswer;
}

/** The payload of one mutation with the given selection. */
export async function mutate(
  running: RunningGitlab,
  name: string,
  input: object,
  selection = "errors",
  token = ADMIN,
): Promise<Record<string, unknown>> {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input!`;
  const text = `mutation($input: ${type}) { ${name}(input: $input) { ${selection} } }`;
  const answer = await graphql(running, text, { input }, token);
  if (answer.errors) return { top: answer.errors[0]?.message };
  return must(answer.data?.[name], name) as Record<string, unknown>;
}

export function control(
  running: Running,
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ socketPath: running.control, method, path, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve((text === "" ? {} : JSON.parse(text)) as Record<string, unknown>));
    });
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

export const model = {
  name: "Mistral",
  model: "MISTRAL",
  endpoint: "http://10.0.0.27:11434/v1",
  identifier: "custom_openai/m",
};

/** The same with what the generation asks for beside it. */
export const modelOf = (version: string, change: object = {}) => ({
  ...model,
  ...(version.startsWith("19") ? { provider: "API" } : {}),
  ...change,
});
