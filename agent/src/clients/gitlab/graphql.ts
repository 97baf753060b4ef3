import { FettleError } from "@fettle/shared/lib/errors.ts";
import * as z from "zod";
import type { Host } from "../../system/host.ts";
import type { GitlabAccess } from "./access.ts";
import type { GitlabDocument } from "./documents.ts";
import { exchange } from "./exchange.ts";

const answerShape = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.array(z.looseObject({ message: z.string() })).optional(),
});

/** GitLab's words for a write on a Geo secondary or in maintenance mode. */
export const READ_ONLY = /read-only instance|in maintenance mode/i;

/** What a mutation came to: its payload, whose `errors` say what was refused although the status is 200. */
export interface Payload {
  readonly errors: readonly string[];
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * The data of a query. Throws FettleError: what `exchange` throws, `gitlab.token.rejected`, `gitlab.writable.readonly`,
 * `gitlab.api.failing`, or `gitlab.api.refused` with the first error that stands at the top of the answer.
 */
export async function query(
  host: Host,
  access: GitlabAccess,
  { name, text }: GitlabDocument,
  variables: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  deadlineMs?: number,
): Promise<Readonly<Record<string, unknown>>> {
  const body = { query: text, variables };
  const asked = { method: "POST", path: "/api/graphql", body, ...(deadlineMs && { deadlineMs }) } as const;
  const { status, json } = await exchange(host, access, asked, signal);
  if (status === 401) throw new FettleError("gitlab.token.rejected", { url: access.url });
  const answer = answerShape.safeParse(json);
  if (!answer.success) throw refused(name, `status ${status}, and the answer is not understood`);
  const problem = answer.data.errors?.[0]?.message;
  if (problem !== undefined && READ_ONLY.test(problem))
    throw new FettleError("gitlab.writable.readonly", { why: "it is a read-only instance" });
  if (status >= 500) throw new FettleError("gitlab.api.failing", { what: name, status, problem: problem ?? "" });
  if (problem !== undefined || status !== 200) throw refused(name, problem ?? `status ${status}`);
  return answer.data.data ?? {};
}

/** One mutation with one input. Throws as `query` does; what the payload itself refuses is in `errors`. */
export async function mutate(
  host: Host,
  access: GitlabAccess,
  document: GitlabDocument,
  input: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  deadlineMs?: number,
): Promise<Payload> {
  const data = await query(host, access, document, { input }, signal, deadlineMs);
  const payload = z.looseObject({ errors: z.array(z.string()) }).safeParse(data[document.name]);
  if (!payload.success) throw refused(document.name, "the answer has no payload");
  const { errors, ...fields } = payload.data;
  return { errors, fields };
}

function refused(what: string, problem: string): FettleError {
  return new FettleError("gitlab.api.refused", { what, problem: problem.slice(0, 300) });
}
