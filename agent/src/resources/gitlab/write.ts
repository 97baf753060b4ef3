import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { GitlabDocument } from "../../clients/gitlab/documents.ts";
import type { Payload } from "../../clients/gitlab/graphql.ts";
import type { ResourceContext } from "../resource.ts";
import { access, type Gitlab } from "./gitlab.ts";

/**
 * One mutation that changes GitLab. What GitLab refuses, in the payload or above it, is thrown as what `refusal` makes
 * of GitLab's words; everything else as the client throws it.
 */
export async function write(
  ctx: ResourceContext,
  gitlab: Gitlab,
  document: GitlabDocument,
  input: Readonly<Record<string, unknown>>,
  refusal: (problem: string) => FettleError,
  signal: AbortSignal,
): Promise<Payload> {
  const payload = await ctx.clients.gitlab
    .mutate(await access(ctx, gitlab), document, input, signal)
    .catch((error: unknown) => {
      if (error instanceof FettleError && error.code === "gitlab.api.refused")
        throw refusal(String(error.args.problem));
      throw error;
    });
  if (payload.errors.length > 0) throw refusal(payload.errors.join("; ").slice(0, 300));
  gitlab.notes.changedAt = ctx.host.clock.now();
  return payload;
}
