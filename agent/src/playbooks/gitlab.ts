import { type GitlabParams, gitlabRole } from "@fettle/shared/roles/gitlab.ts";
import { host } from "../resources/any/host.ts";
import type { Gitlab, GitlabOptions } from "../resources/gitlab/gitlab.ts";
import { newNotes } from "../resources/gitlab/notes.ts";
import { ready } from "../resources/gitlab/ready.ts";
import { tls } from "../resources/gitlab/tls.ts";
import { token } from "../resources/gitlab/token.ts";
import { writable } from "../resources/gitlab/writable.ts";
import type { Resource } from "../resources/resource.ts";

const SECRETS = "/var/lib/fettle-agent/secrets";

/** GitLab on its VM: watched, wired with the gateway and the models, and asked whether the chain answers. */
export function gitlabPlaybook(params: GitlabParams, options: GitlabOptions): Resource[] {
  const { pollMs, remember, secretsFolder = SECRETS } = options;
  const gitlab: Gitlab = { params, pollMs, remember, secretsFolder, notes: newNotes() };
  return [host("gitlab", gitlabRole.host), ready(gitlab), writable(gitlab), token(gitlab), tls(gitlab)];
}
