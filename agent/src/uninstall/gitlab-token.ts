import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import * as z from "zod";
import type { GitlabAccess } from "../clients/gitlab/access.ts";
import type { GitlabClient } from "../clients/gitlab/gitlab.ts";
import { madeToken } from "../resources/gitlab/held-token.ts";
import { TOKEN_NAME } from "../resources/gitlab/mint.ts";
import type { Files } from "../system/files.ts";

const PAGE = "/-/user_settings/personal_access_tokens";
const ASK_MS = 30_000;

/** As far as it takes to ask GitLab; read from the desired state of whatever version. */
const place = z.object({ url: z.string(), ca: z.string().optional() });

/** The GitLab token that Fettle made and what can be done about it now. */
export interface FoundToken {
  /** As in `fettle, of the user root`. */
  readonly name: string;
  /** What to do by hand, and where. */
  readonly where: string;
  /** How to ask for its end; null when GitLab knows it as ended already. */
  readonly access: GitlabAccess | null;
  /** Why it cannot be ended now, in words; null when it can, or has ended. */
  readonly problem: string | null;
}

export interface TokenParts {
  readonly files: Files;
  readonly gitlab: GitlabClient;
  readonly secretsFolder: string;
  /** The role's parameters as they are stored; undefined without any. */
  readonly params: unknown;
}

/** null when there is none that Fettle made. Asks GitLab, changes nothing. */
export async function findToken({ files, gitlab, secretsFolder, params }: TokenParts): Promise<FoundToken | null> {
  const made = await madeToken(files, { secretsFolder });
  if (made === null) return null;
  const known = place.safeParse(params);
  const name = `${TOKEN_NAME}, ${made.actor === null ? "rotated from yours" : `of the user ${made.actor}`}`;
  if (!known.success) {
    const where = "in GitLab, among the access tokens of that user";
    return { name, where, access: null, problem: "the stored desired state does not say where GitLab is" };
  }
  const url = known.data.url.replace(/\/+$/, "");
  const where = `${url}${PAGE}`;
  const ca = known.data.ca === undefined ? null : await files.readText(known.data.ca).catch(() => null);
  const access = { url, ca, token: made.token };
  try {
    const self = await gitlab.tokenSelf(access, AbortSignal.timeout(ASK_MS));
    return { name, where, access: self.kind === "good" ? access : null, problem: null };
  } catch (error) {
    return { name, where, access, problem: messageOf(error).replace(/\.$/, "") };
  }
}

/** Ends it, if that is possible at all; gives what to say of it. Throws `agent.uninstall-token` unless `anyway`. */
export async function endToken(gitlab: GitlabClient, token: FoundToken, anyway: boolean): Promise<string> {
  const { name, where, access } = token;
  const problem = token.problem ?? (access === null ? null : await refusal(gitlab, access));
  if (problem === null)
    return access === null ? `The GitLab token (${name}) had ended.` : `Revoked the GitLab token (${name}).`;
  if (!anyway) throw new FettleError("agent.uninstall-token", { name, where, problem });
  return `NOT revoked: the GitLab token (${name}), since ${problem}. Revoke it by hand: ${where}`;
}

async function refusal(gitlab: GitlabClient, access: GitlabAccess): Promise<string | null> {
  try {
    await gitlab.revokeToken(access, AbortSignal.timeout(ASK_MS));
    return null;
  } catch (error) {
    return messageOf(error).replace(/\.$/, "");
  }
}
