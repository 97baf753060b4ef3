import type { CodeFile } from "./code.ts";

/** GitLab as a machine: its API, readiness, token, certificate and licence. */
export const gitlabCodes = {
  "gitlab.api.unreachable": {
    severity: "warning",
    cause: "GitLab at {url} could not be reached from its own machine: {problem}.",
    remedy:
      "Check `gitlab-ctl status` there, and that the machine resolves its own name; Fettle looks again by itself.",
    dependsOn: ["gitlab.ready.down", "gitlab.ready.failing", "gitlab.ready.deploying"],
  },
  "gitlab.api.tls": {
    severity: "warning",
    cause: "GitLab's certificate at {url} does not verify: {problem}.",
    remedy: "Name its CA with `gitlab.ca` in the stack file, or renew the certificate.",
    dependsOn: ["gitlab.tls.untrusted"],
  },
  "gitlab.api.page": {
    severity: "warning",
    cause: 'GitLab answered with a web page ({status}, "{title}") instead of its API.',
    remedy: "Nothing while it starts or is upgraded; if it stays, read `gitlab-ctl tail puma`.",
    dependsOn: ["gitlab.ready.down", "gitlab.ready.failing", "gitlab.ready.deploying"],
  },
  "gitlab.api.failing": {
    severity: "warning",
    cause: "GitLab failed at {what} with status {status}: {problem}.",
    remedy: "Fettle looks again by itself; if it stays, read `gitlab-ctl tail gitlab-rails`.",
    dependsOn: ["gitlab.ready.down", "gitlab.ready.failing"],
  },
  "gitlab.api.refused": {
    severity: "warning",
    cause: "GitLab refused {what}: {problem}.",
    remedy: "Check that the token's user is an administrator and the token has the scopes api and admin_mode.",
    dependsOn: ["gitlab.token.scope", "gitlab.token.not-admin"],
  },
  "gitlab.api.unexpected": {
    severity: "warning",
    cause: "GitLab {version} shows {what} in a form that this agent does not know ({problem}).",
    remedy: "Update Fettle on this machine; the rest of the stack goes on.",
  },
  "gitlab.api.ca-file": {
    severity: "critical",
    cause: "The CA file {path}, which `gitlab.ca` names, is not there.",
    remedy: "Put GitLab's CA certificate at {path} on the GitLab machine, or correct `gitlab.ca`.",
  },

  "gitlab.ready.down": {
    severity: "critical",
    cause: "GitLab does not answer on its own machine: {problem}.",
    remedy: "Run `gitlab-ctl status` there, and `gitlab-ctl start` for what is down.",
  },
  "gitlab.ready.failing": {
    severity: "critical",
    cause: "GitLab is not ready: {checks}.",
    remedy: "Run `gitlab-ctl status` there; `gitlab-rake gitlab:check` says more.",
  },
  "gitlab.ready.deploying": {
    severity: "warning",
    cause: "GitLab shows the page of a deploy instead of its health.",
    remedy: "Nothing while it is upgraded; if it stays, run `gitlab-ctl deploy-page down`.",
  },
  "gitlab.ready.not-allowed": {
    severity: "critical",
    cause: "GitLab does not let its own machine ask for its health ({url}/-/readiness is a page not found).",
    remedy:
      "Add '127.0.0.0/8' and this machine's address to gitlab_rails['monitoring_whitelist'] in /etc/gitlab/gitlab.rb, then run `gitlab-ctl reconfigure`.",
  },

  "gitlab.writable.readonly": {
    severity: "info",
    cause: "GitLab cannot be written now: {why}.",
    remedy: "Nothing: Fettle writes again when GitLab can be written.",
  },

  "gitlab.token.none": {
    severity: "warning",
    cause: "This machine has no token for GitLab yet.",
    remedy: "Nothing, if gitlab.token is being repaired; else look at it: `fettle describe NODE/gitlab.token`.",
    dependsOn: [
      "gitlab.token.missing",
      "gitlab.token.file-absent",
      "gitlab.token.low-memory",
      "gitlab.token.no-runner",
      "gitlab.token.actor-unknown",
      "gitlab.token.mint-refused",
      "gitlab.token.mint-failed",
    ],
  },
  "gitlab.token.rejected": {
    severity: "warning",
    cause: "GitLab at {url} does not take the token.",
    remedy: "See why: `fettle describe NODE/gitlab.token`.",
    dependsOn: [
      "gitlab.token.revoked",
      "gitlab.token.expired",
      "gitlab.token.unknown",
      "gitlab.token.user-blocked",
      "gitlab.token.scope",
    ],
  },
  "gitlab.token.missing": {
    severity: "critical",
    cause: "The token that was made for {actor} is no longer on this machine.",
    remedy: "Run `fettle approve NODE/gitlab.token` to have a new one made, and revoke the old one in GitLab.",
  },
  "gitlab.token.revoked": {
    severity: "critical",
    cause: "The token was revoked, by a person or because it was rotated from elsewhere.",
    remedy: "Find out who revoked it and why; then {how}.",
  },
  "gitlab.token.expired": {
    severity: "critical",
    cause: "The token has expired.",
    remedy: "To go on, {how}.",
  },
  "gitlab.token.unknown": {
    severity: "critical",
    cause: "GitLab does not know the token (it may be another GitLab's, or GitLab was restored from a backup).",
    remedy: "To go on, {how}.",
  },
  "gitlab.token.user-blocked": {
    severity: "critical",
    cause: "The token's user is blocked in GitLab.",
    remedy: "Unblock the user in Admin > Users, or {how}.",
  },
  "gitlab.token.scope": {
    severity: "critical",
    cause: "The token lacks the scope {missing} (it has {found}).",
    remedy: "With the scopes api and admin_mode: {how}.",
  },
  "gitlab.token.not-admin": {
    severity: "critical",
    cause:
      "The token's user {user} is no administrator of GitLab, or Admin Mode is on and the scope admin_mode is missing.",
    remedy: "Make the user an administrator, or give the token of one: {how}.",
  },
  "gitlab.token.file-absent": {
    severity: "critical",
    cause: "There is no token in {path}, which `gitlab.token.file` names.",
    remedy:
      "Make a token (scopes api and admin_mode) as an administrator in GitLab, and write it to {path} with mode 0600.",
  },
  "gitlab.token.file-exposed": {
    severity: "warning",
    cause: "The token file {path} can be read by others than its owner (mode {mode}).",
    remedy: "Run `chmod 600 {path}` on the GitLab machine.",
  },
  "gitlab.token.no-runner": {
    severity: "critical",
    cause: "There is no gitlab-rails on this machine, so no token can be made here.",
    remedy:
      "Make a token (scopes api and admin_mode) as an administrator, and name its file with `gitlab.token: { file: … }`.",
  },
  "gitlab.token.low-memory": {
    severity: "warning",
    cause: "Making the token takes about a gigabyte of memory for a minute: {free} are free, and {needed} are wanted.",
    remedy: "Nothing, if memory becomes free by itself; else name a token file with `gitlab.token: { file: … }`.",
  },
  "gitlab.token.actor-unknown": {
    severity: "critical",
    cause: "GitLab has no user {actor} to make the token for.",
    remedy: "Correct `gitlab.token.actor`, or create the user and run `fettle approve NODE/gitlab.token`.",
  },
  "gitlab.token.mint-refused": {
    severity: "critical",
    cause: "GitLab refused to make the token for {actor}: {problem}.",
    remedy: "Remove what it names, then run `fettle approve NODE/gitlab.token`; or name a token file.",
  },
  "gitlab.token.mint-failed": {
    severity: "warning",
    cause: "gitlab-rails ended without a token for {actor}: {problem}.",
    remedy: "`fettle logs NODE/gitlab.token` shows its terminal; Fettle tries again, later each time.",
  },
  "gitlab.token.rotate-failed": {
    severity: "warning",
    cause: "GitLab did not rotate the token: {problem}.",
    remedy: "Nothing: Fettle tries again, later each time, and the present token is good until its end.",
  },

  "gitlab.tls.untrusted": {
    severity: "critical",
    cause: "The certificate of {url} does not verify: {problem} (issued by {issuer}).",
    remedy: "Name its CA with `gitlab.ca` (and `gateway.caBundle`) in the stack file, or install another certificate.",
  },
  "gitlab.tls.expiring": {
    severity: "critical",
    cause: "The certificate of {url} ends in {days} day(s).",
    remedy:
      "Renew it now: `gitlab-ctl renew-le-certs` for Let's Encrypt, else install the new one and `gitlab-ctl hup nginx`.",
  },
  "gitlab.tls.expiring-soon": {
    severity: "warning",
    cause: "The certificate of {url} ends in {days} days.",
    remedy:
      "Renew it: `gitlab-ctl renew-le-certs` for Let's Encrypt, else install the new one and `gitlab-ctl hup nginx`.",
  },
  "gitlab.tls.plain": {
    severity: "warning",
    cause: "{url} is plain http: token and prompts can be read on the way.",
    remedy: "Give GitLab a certificate and use https before production.",
  },

  "gitlab.licence.none": {
    severity: "critical",
    cause: "GitLab has no licence.",
    remedy: "Add an activation code or a licence file in Admin > Subscription.",
  },
  "gitlab.licence.expired": {
    severity: "critical",
    cause: "GitLab's licence ended on {date}.",
    remedy: "{how}.",
  },
  "gitlab.licence.expiring": {
    severity: "warning",
    cause: "GitLab's licence ends on {date}.",
    remedy: "{how}.",
  },
  "gitlab.licence.plan": {
    severity: "critical",
    cause: "GitLab {version} with the plan {plan} has no Duo Self-Hosted; it needs {needed}.",
    remedy: "{how}.",
  },
  "gitlab.licence.add-on": {
    severity: "critical",
    cause: "GitLab's subscription has no active add-on GitLab Duo Enterprise (it has {found}).",
    remedy: "{how}.",
  },
  "gitlab.licence.platform-add-on": {
    severity: "warning",
    cause:
      "The Agent Platform on own models needs an add-on of its own with an offline licence, and GitLab shows none.",
    remedy: "Ask for the add-on Duo Agent Platform Self-Hosted, or set `gateway.platform: false`.",
  },
  "gitlab.licence.hides": {
    severity: "warning",
    cause: "GitLab {version} does not show {what} to this token.",
    remedy:
      "Look at `fettle describe NODE/gitlab.licence` and `fettle describe NODE/gitlab.token`; in Admin Mode a token needs the scope admin_mode.",
    dependsOn: [
      "gitlab.licence.none",
      "gitlab.licence.expired",
      "gitlab.licence.plan",
      "gitlab.licence.add-on",
      "gitlab.token.not-admin",
      "gitlab.token.scope",
    ],
  },
} as const satisfies CodeFile;
