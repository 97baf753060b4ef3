import type { CodeFile } from "./code.ts";

/** Codes of the agent's installation: the script's own, and those of the coordinator that serves it. */
export const installCodes = {
  "install.no-release": {
    severity: "warning",
    cause: "The coordinator has no release of the agent in {folders}.",
    remedy:
      "Put fettle-agent-VERSION-linux-ARCH.tar.gz and its .manifest into the first of these folders; in a checkout run `npm run build`.",
    status: 503,
  },
  "install.no-archive": {
    severity: "warning",
    cause: "The coordinator has no agent for this machine's architecture.",
    remedy: "Put that architecture's archive and its .manifest beside the coordinator's other archives.",
  },
  "install.unknown-archive": {
    severity: "warning",
    cause: "The coordinator has no archive {name}.",
    remedy: "Another release was put there meanwhile: take a new line with `fettle token create --node NODE`.",
    status: 404,
  },
  "install.bad-host": {
    severity: "warning",
    cause: "The request is for {host}, which is no name and no address.",
    remedy: "Ask under the coordinator's name or address, as in https://172.31.11.1:7443/install.sh.",
    status: 400,
  },
  "install.no-address": {
    severity: "warning",
    cause: "The coordinator does not know an address of its own that other machines reach.",
    remedy: "Name one: `fettle token create --node NODE --address HOST`, or add it to `names` in coordinator.yaml.",
    status: 409,
  },
  "install.usage": {
    severity: "warning",
    cause: "The script was called with an option that it does not take.",
    remedy: "See `sh fettle-install.sh --help`.",
  },
  "install.not-filled-in": {
    severity: "warning",
    cause: "The script is the template, not what a coordinator serves.",
    remedy: "Use the line that `fettle token create --node NODE` prints.",
  },
  "install.token-in-argv": {
    severity: "critical",
    cause: "A token was given as an argument, where everybody on the machine can read it.",
    remedy:
      "Make a new one with `fettle token create --node NODE`; give it on standard input, in FETTLE_TOKEN or with --token-file FILE.",
  },
  "install.no-token": {
    severity: "warning",
    cause: "The script got no token.",
    remedy:
      "Use the whole line that `fettle token create --node NODE` prints, or give FETTLE_TOKEN or --token-file FILE.",
  },
  "install.bad-token": {
    severity: "warning",
    cause: "What was given is not an enrolment token.",
    remedy: "Copy the whole line that `fettle token create --node NODE` prints.",
  },
  "install.not-root": {
    severity: "warning",
    cause: "The script was not run as root.",
    remedy: "Put sudo before sh, or become root first.",
  },
  "install.not-linux": {
    severity: "warning",
    cause: "The machine does not run Linux.",
    remedy: "Use a Linux machine with systemd.",
  },
  "install.architecture": {
    severity: "warning",
    cause: "There is no agent for the machine's architecture.",
    remedy: "Use a machine with x86_64 or aarch64.",
  },
  "install.no-systemd": {
    severity: "warning",
    cause: "systemd is not the first process on the machine.",
    remedy: "Use a machine with systemd; a container without it is none.",
  },
  "install.no-tool": {
    severity: "warning",
    cause: "A program that the script needs is not installed.",
    remedy: "Install what it names with `apt-get install`, then run it again.",
  },
  "install.busy": {
    severity: "warning",
    cause: "Another install runs on the machine.",
    remedy: "Wait until it has ended, then run the script again.",
  },
  "install.foreign": {
    severity: "warning",
    cause: "Something that is not Fettle's lies where the agent would be put.",
    remedy: "See what it belongs to; move it away, then run the script again.",
  },
  "install.masked": {
    severity: "warning",
    cause: "fettle-agent.service is masked: somebody wanted it never to start.",
    remedy: "If that is over, run `systemctl unmask fettle-agent`, then the script again.",
  },
  "install.other-identity": {
    severity: "warning",
    cause: "The machine is enrolled at another coordinator.",
    remedy: "Take it out there first: `fettle-agent uninstall`, and `fettle node remove NODE` at that coordinator.",
  },
  "install.copy": {
    severity: "warning",
    cause: "The machine is a copy of one that is enrolled, with its identity; its agent changes nothing.",
    remedy:
      "If it takes that one's place, run `fettle node readmit NODE`. Else make a token for a name of its own (`fettle token create --node NODE`), and run that line there.",
  },
  "install.disk-full": {
    severity: "warning",
    cause: "There is too little space in /opt or /var/lib.",
    remedy: "Make room there, then run the script again.",
  },
  "install.not-writable": {
    severity: "warning",
    cause: "A file cannot be written.",
    remedy: "See why (a read-only or a failing disk), then run the script again.",
  },
  "install.clock": {
    severity: "warning",
    cause: "The machine's clock and the coordinator's differ by more than 5 minutes; certificates live by them.",
    remedy: "Set the wrong one (`timedatectl` shows it, `timedatectl set-ntp true` keeps it right), then run it again.",
  },
  "install.other-key": {
    severity: "critical",
    cause: "What answered at the coordinator's address has another key than the coordinator.",
    remedy:
      "A proxy that inspects TLS does so: name the coordinator in its exceptions and in NO_PROXY. If the coordinator was set up anew, take a new line with `fettle token create --node NODE`. Else somebody answers in its place.",
  },
  "install.unreachable": {
    severity: "warning",
    cause: "The coordinator cannot be reached from the machine.",
    remedy: "See that it runs, that the name or address is right, and that port 7443 is open from there.",
  },
  "install.proxy": {
    severity: "warning",
    cause: "The proxy in FETTLE_PROXY cannot be used.",
    remedy: "Correct it, or leave it out: the coordinator is then asked directly.",
  },
  "install.no-pinning": {
    severity: "warning",
    cause: "The machine's curl cannot check a pinned key.",
    remedy: "Install the distribution's own curl, then run the script again.",
  },
  "install.refused": {
    severity: "warning",
    cause: "The coordinator refused a download.",
    remedy: "See its log, or take a new line with `fettle token create --node NODE`.",
  },
  "install.bad-answer": {
    severity: "warning",
    cause: "What answered at the coordinator's address does not say its time, as every web server does.",
    remedy: "Check the address, and what is between it and the machine.",
  },
  "install.wrong-sum": {
    severity: "critical",
    cause: "The archive that came has another size or sum than the script was given; it was not unpacked.",
    remedy:
      "The archive on the coordinator was changed, or another one was put there: take a new line with `fettle token create --node NODE`.",
  },
  "install.does-not-run": {
    severity: "critical",
    cause: "The new program does not run on the machine.",
    remedy: "See whether /opt is mounted noexec, and that the distribution is one that docs/install.md names.",
  },
  "install.not-enrolled": {
    severity: "warning",
    cause: "The coordinator did not take the machine in.",
    remedy: "Do what it says, then run the line of a new token: `fettle token create --node NODE`.",
  },
  "install.systemd": {
    severity: "warning",
    cause: "systemd does not take the agent's units.",
    remedy: "See `systemctl status fettle-agent` and `journalctl -b`.",
  },
  "install.not-started": {
    severity: "critical",
    cause: "The agent does not start, or does not stay up.",
    remedy: "See `systemctl status fettle-agent` and `journalctl -u fettle-agent`.",
  },
  "install.not-connected": {
    severity: "warning",
    cause: "The agent runs and is not connected to its coordinator after 60 s.",
    remedy: "See that port 7444 of the coordinator is open from there; `fettle-agent status` says what it met.",
  },
} as const satisfies CodeFile;
