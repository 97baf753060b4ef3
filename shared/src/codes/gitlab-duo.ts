import type { CodeFile } from "./code.ts";

/** What Duo Self-Hosted is wired with: settings, seats, models, features, and whether the chain answers. */
export const gitlabDuoCodes = {
  "gitlab.outbound.refused": {
    severity: "critical",
    cause: "GitLab may not call the gateway at {address}: {problem}.",
    remedy:
      "Add {address} in Admin > Settings > Network > Outbound requests, or let Fettle do it with `gitlab.allowOutbound: true`.",
  },
  "gitlab.outbound.not-kept": {
    severity: "warning",
    cause: "GitLab's list of outbound addresses was changed by somebody else at the same time.",
    remedy: "Look at Admin > Settings > Network > Outbound requests: {missing} is missing there. Fettle tries again.",
  },

  "gitlab.duo-settings.version": {
    severity: "critical",
    cause: "GitLab {version} has no setting for {what} in its API.",
    remedy: "{how}.",
  },
  "gitlab.duo-settings.refused": {
    severity: "critical",
    cause: "GitLab {version} refused the settings: {problem}.",
    remedy: "Correct what it names in the stack file; Admin > GitLab Duo > Change configuration shows the same fields.",
  },
  "gitlab.duo-settings.platform-tls": {
    severity: "info",
    cause: "GitLab {version} takes it from an environment variable that the Agent Platform's service speaks no TLS.",
    remedy:
      "Once: gitlab_rails['env'] = { 'DUO_AGENT_PLATFORM_SERVICE_SECURE' => 'false' } in /etc/gitlab/gitlab.rb, then `gitlab-ctl reconfigure`.",
  },

  "gitlab.seat.exhausted": {
    severity: "critical",
    cause: "No seat is left for {user}: {assigned} of {purchased} seats of {addOn} are taken.",
    remedy: "Take a seat from somebody in Admin > GitLab Duo > Seat utilization, or buy more.",
  },
  "gitlab.seat.user-unknown": {
    severity: "critical",
    cause: "GitLab has no user {user} who may have a seat (absent, blocked or a bot).",
    remedy: "Correct `gitlab.seats`, or create or unblock the user.",
  },
  "gitlab.seat.refused": {
    severity: "critical",
    cause: "GitLab {version} refused a seat for {user}: {problem}.",
    remedy: "Admin > GitLab Duo > Seat utilization says whether the user may have one.",
  },

  "gitlab.model.version": {
    severity: "critical",
    cause: "GitLab {version} does not know the model family {family} (it knows {known}).",
    remedy: "Choose another `family` for {model}, or upgrade GitLab.",
  },
  "gitlab.model.foreign": {
    severity: "critical",
    cause: "GitLab has another model named {name} ({id}, {endpoint}), which Fettle did not make.",
    remedy: "Rename or delete that one in Admin > GitLab Duo > Configure models, or change `displayName` of {model}.",
  },
  "gitlab.model.ambiguous": {
    severity: "critical",
    cause: "GitLab has several models for {endpoint} with {identifier}: {ids}.",
    remedy: "Delete all but one in Admin > GitLab Duo > Configure models; Fettle takes the one that is left.",
  },
  "gitlab.model.refused": {
    severity: "critical",
    cause: "GitLab {version} refused the model {name}: {problem}.",
    remedy: "Correct what it names in `gitlab.models` of the stack file.",
  },

  "gitlab.feature.version": {
    severity: "critical",
    cause: "GitLab {version} has no feature {feature}.",
    remedy: "Take {feature} out of `gitlab.features`, or upgrade GitLab.",
  },
  "gitlab.feature.vendored": {
    severity: "critical",
    cause: "{feature} is declared as {declared}, and GitLab sends it to its vendor's models: prompts leave the house.",
    remedy: "Nothing, if it is being repaired; find who changed it in Admin > Monitoring > Audit events.",
  },
  "gitlab.feature.alert": {
    severity: "critical",
    cause: "{feature} is {found} instead of {declared}, and the stack asks to be told instead of repairing it.",
    remedy: "Set it in Admin > GitLab Duo > Configure features, or declare it without `policy: alert`.",
  },
  "gitlab.feature.no-model": {
    severity: "warning",
    cause: "GitLab has no record of the model {model} to map {feature} to.",
    remedy:
      "Nothing, if gitlab.model[{model}] is being repaired; else look at it: `fettle describe 'NODE/gitlab.model[{model}]'`.",
  },
  "gitlab.feature.beta-terms": {
    severity: "critical",
    cause: "{model} is of the beta family {family}, which {feature} takes only after a person has accepted the terms.",
    remedy:
      "Accept them in Admin > GitLab Duo > Change configuration: Use beta models and features in GitLab Duo Self-Hosted.",
  },
  "gitlab.feature.incompatible": {
    severity: "critical",
    cause: "GitLab {version} does not offer models of the family {family} for {feature}.",
    remedy: "Map {feature} to a model of another family in the stack file, or declare it disabled.",
  },
  "gitlab.feature.refused": {
    severity: "critical",
    cause: "GitLab {version} refused to map {feature}: {problem}.",
    remedy:
      "Features of the Agent Platform need an add-on of their own; else map it to another model in the stack file.",
  },

  "gitlab.answers.version": {
    severity: "info",
    cause: "GitLab {version} cannot test a model's connection (17.7 and later can).",
    remedy: "Upgrade GitLab; until then nothing but a user's own request shows whether {model} answers.",
  },
  "gitlab.answers.not-checked": {
    severity: "info",
    cause: "{model} has not been asked through the gateway yet.",
    remedy: "Nothing: it is asked once what it needs is in sync.",
  },
  "gitlab.answers.no-gateway": {
    severity: "critical",
    cause: "GitLab asked its vendor's cloud for {model}: it has no gateway of its own set.",
    remedy: "Look at it: `fettle describe NODE/gitlab.duo-settings`.",
    dependsOn: ["gitlab.duo-settings.version", "gitlab.duo-settings.refused", "gitlab.outbound.refused"],
  },
  "gitlab.answers.gateway-unreachable": {
    severity: "critical",
    cause: "Hop GitLab to gateway: GitLab cannot connect to {address} for {model} ({problem}).",
    remedy:
      "See with `fettle status` whether the gateway is ready, and open the port between the two machines (`fettle describe NODE` shows what this one reaches).",
  },
  "gitlab.answers.gateway-tls": {
    severity: "critical",
    cause: "Hop GitLab to gateway: the gateway's certificate does not verify for GitLab ({problem}).",
    remedy: "Put the gateway's CA into /etc/gitlab/trusted-certs, then run `gitlab-ctl reconfigure`.",
  },
  "gitlab.answers.gateway-refuses": {
    severity: "critical",
    cause: "Hop GitLab to gateway: the gateway does not take GitLab's token for {model} ({status}: {problem}).",
    remedy:
      "See with `fettle get resources` how gateway.gitlab-reachable stands: the gateway must be able to read GitLab's keys. After a change of keys run `docker restart fettle-gateway` there.",
  },
  "gitlab.answers.gateway-mismatch": {
    severity: "critical",
    cause: "Hop GitLab to gateway: the gateway does not understand GitLab {version} ({status}: {problem}).",
    remedy:
      "Give the gateway the image of the same X.Y as GitLab: declare `gateway.image: auto` and run `fettle apply -f FILE`.",
  },
  "gitlab.answers.model-absent": {
    severity: "critical",
    cause: "Hop gateway to model server: {identifier} is not found at {endpoint}.",
    remedy: "See with `fettle get resources` how the model stands on its server; the endpoint must end in /v1.",
  },
  "gitlab.answers.model-refuses": {
    severity: "critical",
    cause: "Hop gateway to model server: {endpoint} answers {identifier} with {status}.",
    remedy: "Read the model server's log (`journalctl -u ollama.service`).",
  },
  "gitlab.answers.model-unreachable": {
    severity: "critical",
    cause: "Hop gateway to model server: nothing answers the gateway at {endpoint} for {identifier}.",
    remedy: "See with `fettle status` whether Ollama listens, and open the port between gateway and model server.",
  },
  "gitlab.answers.timeout": {
    severity: "critical",
    cause: "{model} did not answer within GitLab's {seconds} s.",
    remedy: "Keep the model loaded (`warm: true`), choose a smaller one, or raise `gitlab.aiGatewayTimeoutSeconds`.",
  },
  "gitlab.answers.failed": {
    severity: "critical",
    cause: "The test of {model} through the gateway failed: {problem}.",
    remedy: "Read `docker logs fettle-gateway` on the gateway's machine; Fettle asks again by itself.",
  },
} as const satisfies CodeFile;
