import type { CodeFile } from "./code.ts";

export const gatewayImageCodes = {
  "gateway.image.gitlab-version": {
    severity: "info",
    cause: "GitLab's version is not known yet, and the image must be of the same X.Y.",
    remedy: "Nothing, if GitLab's agent is being set up; else name an exact image in `gateway.image`.",
  },
  "gateway.image.no-tag": {
    severity: "critical",
    cause: "The registry has no self-hosted-v{track}.*-ee.",
    remedy:
      "A new GitLab can be ahead of its gateway by a few days: name an exact image of an older X.Y in `gateway.image` meanwhile.",
  },
  "gateway.image.not-found": {
    severity: "critical",
    cause: "The registry has no {image}: {problem}.",
    remedy: "Correct the tag or digest in `gateway.image`, or use `auto`.",
  },
  "gateway.image.pinned-gone": {
    severity: "warning",
    cause: "The registry no longer has the image that was chosen before, {image}: {problem}.",
    remedy: "Nothing: Fettle chooses the newest of the same X.Y at its next try.",
  },
  "gateway.image.republished": {
    severity: "warning",
    cause: "{image} was published anew: it is {found} now, and {pinned} runs here.",
    remedy: "Read GitLab's security releases; to take the new one, name it by its digest in `gateway.image`.",
  },
  "gateway.image.architecture": {
    severity: "critical",
    cause: "The gateway's image is for amd64 alone: {problem}.",
    remedy: "Use an x86-64 machine for the gateway; if the image is another one, correct `gateway.image`.",
  },
  "gateway.image.disk-full": {
    severity: "critical",
    cause: "{image} needs {needed} on the disk of the Docker Engine, and {free} are free ({problem}).",
    remedy:
      "Free space there (`docker system df` shows what is unused) or enlarge the disk; the pull starts by itself then.",
  },
  "gateway.image.registry-name": {
    severity: "critical",
    cause: "The registry's name cannot be resolved for {image}: {problem}.",
    remedy: "Check the machine's name servers (`resolvectl query registry.gitlab.com`); Fettle tries again.",
  },
  "gateway.image.registry-unreachable": {
    severity: "critical",
    cause: "The registry cannot be reached for {image}: {problem}.",
    remedy:
      "Check route, firewall and proxy (the Engine's own: `systemctl show docker --property Environment`); Fettle tries again.",
  },
  "gateway.image.registry-tls": {
    severity: "critical",
    cause: "The registry's certificate is not trusted for {image}: {problem}.",
    remedy:
      "If a proxy opens TLS here, add its CA with update-ca-certificates and restart docker.service; check the machine's clock.",
  },
  "gateway.image.registry-broken": {
    severity: "warning",
    cause: "The registry does not answer as one for {image}: {problem}.",
    remedy: "Look at status.gitlab.com; if a proxy is in between, look at that. Fettle asks again.",
  },
  "gateway.image.denied": {
    severity: "critical",
    cause: "The registry does not let {image} be read without a login: {problem}.",
    remedy: "Check the name in `gateway.image`; the official image needs no login.",
  },
  "gateway.image.rate-limited": {
    severity: "warning",
    cause: "The registry limits how often images are pulled from this address ({image}): {problem}.",
    remedy: "Nothing: Fettle tries again, later each time; registry.gitlab.com has no such limit.",
  },
  "gateway.image.archive-refused": {
    severity: "critical",
    cause:
      "The archive that the coordinator's mirror has for {image} is not this image, and nothing else: {problem}. It was not kept.",
    remedy:
      "Find out who put it there. Take it out on the coordinator (`fettle mirror remove gateway {image}`) and add one that is as it should be.",
  },
  "gateway.image.load-failed": {
    severity: "warning",
    cause: "The Docker Engine did not load the archive of {image}: {problem}.",
    remedy: "Fettle tries again, later each time; `journalctl -u docker.service` has the Engine's own words.",
  },
  "gateway.image.pull-failed": {
    severity: "warning",
    cause: "The pull of {image} failed: {problem}.",
    remedy: "Fettle tries again, later each time; `journalctl -u docker.service` has the Engine's own words.",
  },
} as const satisfies CodeFile;
