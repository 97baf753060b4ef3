import type { CodeFile } from "./code.ts";

const DOWN = [
  "gateway.docker.away",
  "gateway.container.foreign",
  "gateway.container.port-held",
  "gateway.container.crashing",
];

export const gatewayCodes = {
  "gateway.keys.gitlab-version": {
    severity: "info",
    cause: "Which signing keys the gateway needs follows from GitLab's version, which is not known yet.",
    remedy: "Nothing, if GitLab's agent is being set up; else name an exact image in `gateway.image`.",
  },
  "gateway.container.no-image": {
    severity: "info",
    cause: "The gateway's image is not here yet.",
    remedy: "Nothing, if gateway.image is under way; else look at it: `fettle describe NODE/gateway.image`.",
  },
  "gateway.container.no-keys": {
    severity: "info",
    cause: "The gateway's signing keys are not here yet.",
    remedy: "Nothing, if gateway.keys is under way; else look at it: `fettle describe NODE/gateway.keys`.",
  },
  "gateway.container.foreign": {
    severity: "critical",
    cause: "There is a container {name} (image {image}, {state}, by {by}) that Fettle did not make.",
    remedy:
      "When nobody needs it, remove it where it comes from ({by}), or run `docker rm -f {name}`; Fettle makes its own then.",
  },
  "gateway.container.port-held": {
    severity: "critical",
    cause: "The gateway cannot be published on {address}: {holder} holds the port.",
    remedy: "Stop {holder}; the gateway starts by itself then. Fettle does not touch what it did not start.",
  },
  "gateway.container.address-absent": {
    severity: "critical",
    cause: "The gateway cannot be published on {address}: this machine does not have that address.",
    remedy: "Give the machine the address, or correct `nodes.*.address` in the stack file.",
  },
  "gateway.container.ca-absent": {
    severity: "critical",
    cause: "The CA bundle {path} is not there.",
    remedy: "Put the file there, or correct `gateway.caBundle` in the stack file.",
  },
  "gateway.container.ca-unreadable": {
    severity: "critical",
    cause: "The CA bundle {path} cannot be read by the gateway, which does not run as root.",
    remedy: "Run `chmod 0644 {path}` on the machine; certificates are no secret.",
  },
  "gateway.container.disk-full": {
    severity: "critical",
    cause: "There is no space for the gateway's container: {problem}.",
    remedy: "Free space on the disk of the Docker Engine (`docker system df`); Fettle tries again.",
  },
  "gateway.container.start-failed": {
    severity: "critical",
    cause: "The Docker Engine cannot start the gateway's container: {problem}.",
    remedy: "Read `journalctl -u docker.service` on the machine; Fettle tries again, later each time.",
  },
  "gateway.container.crashing": {
    severity: "critical",
    cause: "The gateway ends with {exit} each time it is started: {problem}.",
    remedy: "Read `docker logs fettle-gateway` on the machine; the last lines name the cause.",
  },
  "gateway.container.not-ready": {
    severity: "critical",
    cause: "The new container did not become ready: {problem}.",
    remedy: "Read `docker logs fettle-gateway` on the machine.",
  },
  "gateway.container.swap-undone": {
    severity: "critical",
    cause: "A container from {image} was started and did not become ready, so the old one runs again: {problem}.",
    remedy:
      "Correct the cause, then run `fettle repair NODE/gateway.container`: Fettle does not cut users off again for the same attempt.",
  },
  "gateway.previous.unconfirmed": {
    severity: "info",
    cause: "The container that the last swap set aside stays until GitLab had answers through the new one.",
    remedy: "Nothing: the coordinator asks GitLab after a swap; without a coordinator it goes after half an hour.",
  },
  "gateway.ready.container-down": {
    severity: "warning",
    cause: "The gateway's container does not run.",
    remedy:
      "Nothing, if gateway.container is being repaired; else look at it: `fettle describe NODE/gateway.container`.",
    dependsOn: DOWN,
  },
  "gateway.ready.container-differs": {
    severity: "info",
    cause: "The gateway's container does not publish what is declared yet.",
    remedy: "Nothing, if gateway.container is under way; else look at it: `fettle describe NODE/gateway.container`.",
    dependsOn: [...DOWN, "gateway.container.swap-undone"],
  },
  "gateway.ready.platform-keyless": {
    severity: "warning",
    cause: "The Agent Platform's service ended at its start, since it could not read GitLab's keys: {problem}.",
    remedy:
      "Look at it: `fettle describe NODE/gateway.gitlab-reachable`; when GitLab is reachable Fettle restarts the container once.",
    dependsOn: [
      ...["gateway.gitlab-reachable.name", "gateway.gitlab-reachable.route", "gateway.gitlab-reachable.proxy"],
      ...["gateway.gitlab-reachable.chain", "gateway.gitlab-reachable.clock", "gateway.gitlab-reachable.scheme"],
      ...["gateway.gitlab-reachable.wrong-answer", "gateway.gitlab-reachable.gitlab-down"],
    ],
  },
  "gateway.auth.container-down": {
    severity: "warning",
    cause: "The gateway's container does not run, so nobody is asked for a token.",
    remedy:
      "Nothing, if gateway.container is being repaired; else look at it: `fettle describe NODE/gateway.container`.",
    dependsOn: DOWN,
  },
  "gateway.auth.not-ready": {
    severity: "warning",
    cause: "The gateway does not say whether it wants a token: {problem}.",
    remedy: "Nothing, if gateway.ready is being repaired; else look at it: `fettle describe NODE/gateway.ready`.",
    dependsOn: DOWN,
  },
  "gateway.auth.bypassed": {
    severity: "warning",
    cause: "The gateway asks nobody for a token, as the stack says: whoever reaches its port can use the models.",
    remedy: "Set `gateway.auth: jwt` before production.",
  },
  "gateway.auth.open": {
    severity: "critical",
    cause:
      "The gateway answers without a token although it is told to ask for one: {problem}. Another container of the same image does the same.",
    remedy:
      "Use the official image of GitLab's X.Y (`gateway.image: auto`), and close port 5052 to all but GitLab until then.",
  },
  "gateway.gitlab-reachable.container-down": {
    severity: "warning",
    cause: "The gateway's container does not run, so it cannot be asked what it reaches.",
    remedy:
      "Nothing, if gateway.container is being repaired; else look at it: `fettle describe NODE/gateway.container`.",
    dependsOn: DOWN,
  },
  "gateway.gitlab-reachable.name": {
    severity: "critical",
    cause: "The gateway cannot resolve GitLab's name for {url}: {problem}.",
    remedy:
      "Check the machine's name servers, which the container uses too (`docker exec fettle-gateway cat /etc/resolv.conf`).",
  },
  "gateway.gitlab-reachable.route": {
    severity: "critical",
    cause: "The gateway does not reach {url}: {problem}.",
    remedy:
      "Open the port from this machine to GitLab (firewall, security group); the machine itself may reach it where the container does not: check forwarding.",
  },
  "gateway.gitlab-reachable.proxy": {
    severity: "critical",
    cause: "A proxy keeps the gateway from {url}: {problem}.",
    remedy: "Let the proxy pass GitLab's address, or take the machine's way to GitLab out of the proxy.",
  },
  "gateway.gitlab-reachable.chain": {
    severity: "critical",
    cause: "The gateway does not trust the certificate of {url}: {problem}.",
    remedy:
      "Name a file with GitLab's CA in `gateway.caBundle`; if the chain is incomplete, let GitLab send its intermediate certificates.",
  },
  "gateway.gitlab-reachable.clock": {
    severity: "critical",
    cause: "The certificate of {url} is not valid at this machine's time: {problem}.",
    remedy:
      "Compare `date` on both machines; if the clocks are right, renew GitLab's certificate (`gitlab-ctl renew-le-certs`).",
  },
  "gateway.gitlab-reachable.scheme": {
    severity: "critical",
    cause: "The scheme of {url} is not what answers there: {problem}.",
    remedy: "Correct `gitlab.url` in the stack file: https:// where GitLab has a certificate.",
  },
  "gateway.gitlab-reachable.wrong-answer": {
    severity: "critical",
    cause: "What answers at {url} is not what GitLab would say: {problem}.",
    remedy:
      "Check `gitlab.url` in the stack file, and what is in front of GitLab; the path must be open without a login.",
  },
  "gateway.gitlab-reachable.gitlab-down": {
    severity: "warning",
    cause: "GitLab answers {url} with an error: {problem}.",
    remedy: "Look at gitlab.ready; Fettle asks again by itself.",
  },
  "gateway.gitlab-reachable.still-failing": {
    severity: "critical",
    cause:
      "GitLab is reachable from the container, but the gateway fails to read its keys also after a restart: {problem}.",
    remedy:
      "Read `docker logs fettle-gateway` on the machine; Fettle restarts it again when GitLab was away in between, or in an hour.",
  },
  "gateway.gitlab-reachable.no-curl": {
    severity: "warning",
    cause: "The gateway's image has no curl, so what it reaches cannot be asked from its inside.",
    remedy: "Use the official image; GitLab's answers show whether the chain works.",
  },
} as const satisfies CodeFile;
