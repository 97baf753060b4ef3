import type { CodeFile } from "./code.ts";

export const gatewayDockerCodes = {
  "gateway.docker.away": {
    severity: "critical",
    cause: "The Docker Engine does not answer: {problem}.",
    remedy:
      "Look at it: `fettle describe NODE/gateway.docker`; `systemctl status docker.service` on the machine has the Engine's own words.",
  },
  "gateway.docker.refused": {
    severity: "warning",
    cause: "The Docker Engine refuses to tell: {problem}.",
    remedy: "Read `journalctl -u docker.service` on the machine; Fettle asks again by itself.",
  },
  "gateway.docker.masked": {
    severity: "critical",
    cause: "The unit docker.service is masked.",
    remedy: "Run `systemctl unmask docker.service` on the machine when the gateway is to run there.",
  },
  "gateway.docker.podman": {
    severity: "critical",
    cause: "What answers on the Docker socket is Podman {version}.",
    remedy:
      "Use a machine without Podman for the gateway, or disable `podman.socket` there and install a Docker Engine.",
  },
  "gateway.docker.other-engine": {
    severity: "critical",
    cause: "There is no docker.service, but another container engine or a part of one is installed: {found}.",
    remedy:
      "Set up a Docker Engine beside it or instead of it: docker.io would remove or fight {found}, so Fettle installs nothing.",
  },
  "gateway.docker.no-apt": {
    severity: "critical",
    cause: "There is no Docker Engine on this machine, and no apt-get to install one with.",
    remedy: "Install a Docker Engine by the machine's own means and start docker.service.",
  },
  "gateway.docker.boot-unknown": {
    severity: "warning",
    cause: "The Docker Engine answers, but not as docker.service: whether it starts at boot cannot be told.",
    remedy: "Make sure that it starts at boot (for a snap: `snap services docker`).",
  },
  "gateway.docker.no-socket": {
    severity: "critical",
    cause: "docker.service runs, but nothing answers on /var/run/docker.sock ({problem}).",
    remedy:
      "Let the Engine listen there: look for `hosts` in /etc/docker/daemon.json and `-H` in `systemctl cat docker.service`.",
  },
  "gateway.docker.no-access": {
    severity: "critical",
    cause: "The agent may not use /var/run/docker.sock.",
    remedy: "Run fettle-agent as root; look at the socket's mode and owner with `ls -l /var/run/docker.sock`.",
  },
  "gateway.docker.unresponsive": {
    severity: "critical",
    cause: "docker.service runs and its Engine does not answer: {problem}.",
    remedy:
      "Read `journalctl -u docker.service`, then `systemctl restart docker.service`: Fettle does not, since that ends every container there.",
  },
  "gateway.docker.start-failed": {
    severity: "critical",
    cause: "docker.service does not start: {problem}.",
    remedy: "Read `journalctl -u docker.service`, correct the cause, then `systemctl start docker.service`.",
  },
  "gateway.docker.apt-locked": {
    severity: "warning",
    cause: "Another program installs packages at this moment: {problem}.",
    remedy: "Nothing: Fettle tries again when it has ended.",
  },
  "gateway.docker.would-remove": {
    severity: "critical",
    cause: "Installing docker.io would remove other packages: {problem}.",
    remedy: "Run `apt-get install docker.io` on the machine, read what it wants to remove, and decide.",
  },
  "gateway.docker.dpkg-broken": {
    severity: "critical",
    cause: "This machine's package database is not in order: {problem}.",
    remedy: "Run `dpkg --configure -a` and `apt-get -f install` on the machine; Fettle goes on by itself then.",
  },
  "gateway.docker.disk-full": {
    severity: "critical",
    cause: "There is not enough space to install docker.io: {problem}.",
    remedy: "Free space on the machine; Fettle tries again.",
  },
  "gateway.docker.no-package": {
    severity: "critical",
    cause: "The configured package sources have no docker.io: {problem}.",
    remedy: "Enable the distribution's main (on Ubuntu: universe) section, or install a Docker Engine by hand.",
  },
  "gateway.docker.apt-unreachable": {
    severity: "critical",
    cause:
      "There is no Docker Engine here, and the package sources that it would come from cannot be reached: {problem}.",
    remedy:
      "Check DNS, route and proxy of the machine (`apt-get update`). Without internet: name your own package mirror in /etc/apt/sources.list.d, or install docker.io by hand from packages that you carry over. Fettle goes on when an Engine is there, when the package sources change, after an hour, or on `fettle repair NODE/gateway.docker`.",
  },
  "gateway.docker.install-failed": {
    severity: "critical",
    cause: "Installing docker.io failed: {problem}.",
    remedy:
      "Read the run's log (`fettle logs NODE/gateway.docker`) and correct the cause; Fettle tries again, later each time.",
  },
} as const satisfies CodeFile;
