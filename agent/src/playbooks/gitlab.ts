import { type GitlabParams, gitlabRole } from "@fettle/shared/roles/gitlab.ts";
import { host } from "../resources/any/host.ts";
import { answers } from "../resources/gitlab/answers.ts";
import { duoSettings } from "../resources/gitlab/duo-settings.ts";
import { feature } from "../resources/gitlab/feature.ts";
import type { Gitlab, GitlabOptions } from "../resources/gitlab/gitlab.ts";
import { licence } from "../resources/gitlab/licence.ts";
import { model } from "../resources/gitlab/model.ts";
import { newNotes } from "../resources/gitlab/notes.ts";
import { outbound } from "../resources/gitlab/outbound.ts";
import { ready } from "../resources/gitlab/ready.ts";
import { seat } from "../resources/gitlab/seat.ts";
import { tls } from "../resources/gitlab/tls.ts";
import { token } from "../resources/gitlab/token.ts";
import { writable } from "../resources/gitlab/writable.ts";
import type { Resource } from "../resources/resource.ts";

const SECRETS = "/var/lib/fettle-agent/secrets";

/** GitLab on its VM: watched, wired with the gateway and the models, and asked whether the chain answers. */
export function gitlabPlaybook(params: GitlabParams, options: GitlabOptions): Resource[] {
  const { pollMs, remember, secretsFolder = SECRETS } = options;
  const gitlab: Gitlab = { params, pollMs, remember, secretsFolder, notes: newNotes() };
  return [
    host("gitlab", gitlabRole.host),
    ready(gitlab),
    writable(gitlab),
    token(gitlab),
    tls(gitlab),
    licence(gitlab),
    outbound(gitlab),
    duoSettings(gitlab),
    ...params.seats.map((user) => seat(gitlab, user)),
    ...params.models.map((one) => model(gitlab, one)),
    ...params.features.map((one) => feature(gitlab, one)),
    ...params.models.map((one) => answers(gitlab, one)),
  ];
}
