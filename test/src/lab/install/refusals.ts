import assert from "node:assert/strict";
import type { Host } from "../host.ts";
import { addressAt } from "../subnet.ts";
import { type Attempt, assertSame, attempt, type InstallStep, mint, refuses, scriptFor, stateOf } from "./bench.ts";
import { spend } from "./spend.ts";
import { withStranger } from "./stranger.ts";

type Case = {
  name: string;
  says: RegExp[];
  /** How the script is called; without `token` it gets a good one. */
  how: Omit<Attempt, "script">;
  /** What is made of the served script. */
  edit?: (script: string) => string;
  /** Something on the machine that is in the way, and how it goes again. */
  before?: string;
  after?: string;
};

/** A program that says this in place of the machine's own. */
const says = (text: string): string => `#!/bin/sh\n${text}\n`;

const tomorrow = 'case " $* " in *" -d "*) exec /bin/date "$@";; *) exec /bin/date -d "+1 day" "$@";; esac';

const room = "echo x; echo 'x 9 9 999999999 0% /'";
/** Room enough at the two looks before the download, and what is so afterwards. */
const roomAtFirst = `[ -e /run/fettle-agent-install/second ] && exec /bin/df "$@"
[ -e /run/fettle-agent-install/first ] && : >/run/fettle-agent-install/second
: >/run/fettle-agent-install/first
${room}`;

const cases: Case[] = [
  {
    name: "a wrong pin in the script",
    says: [/answered with a key that is not the coordinator's/, /install\.other-key/],
    how: {},
    edit: (script) => script.replace(/pin='sha256\/\/[^']*'/, `pin='sha256//${"A".repeat(43)}='`),
  },
  {
    name: "a wrong sum",
    says: [/has the sum [0-9a-f]{64} and should have 0{64}\. It was not unpacked/, /install\.wrong-sum/],
    how: {},
    edit: (script) => script.replaceAll(/_sha256='[0-9a-f]{64}'/g, `_sha256='${"0".repeat(64)}'`),
  },
  {
    name: "a wrong size",
    says: [/bytes and should have 1000\./, /install\.wrong-sum/],
    how: {},
    edit: (script) => script.replaceAll(/_size='\d+'/g, "_size='1000'"),
  },
  {
    name: "an archive that the coordinator does not have",
    says: [/404/, /install\.refused/],
    how: {},
    edit: (script) => script.replaceAll(/_version='[\d.]+'/g, "_version='9.9.9'"),
  },
  {
    name: "a clock that is off by a day",
    says: [/The clocks differ by 86\d{3} s/, /timedatectl/],
    how: { fakes: { date: says(tomorrow) } },
  },
  {
    name: "no systemd",
    says: [/systemd is not the first process/, /install\.no-systemd/],
    how: { under: ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /run/systemd && exec "$@"', "-"] },
  },
  {
    name: "a wrong architecture",
    says: [/no agent for this architecture: riscv64/],
    how: { fakes: { uname: says('case "$1" in -m) echo riscv64;; *) exec /bin/uname "$@";; esac') } },
  },
  {
    name: "not root",
    says: [/has to run as root/],
    how: { under: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] },
  },
  {
    name: "a token as an argument",
    says: [/never an argument/],
    how: { args: [`fettle1.${"p".repeat(43)}.abc.secret`] },
  },
  {
    name: "an option that there is none of",
    says: [/There is no option --frobnicate/],
    how: { args: ["--frobnicate"] },
  },
  { name: "no token", says: [/No token was given/], how: { token: "" } },
  { name: "something that is no token", says: [/not an enrolment token/], how: { token: "hello" } },
  {
    name: "another coordinator's token",
    says: [/showed a CA that is not the one in the token/, /install\.not-enrolled/],
    how: { token: `fettle1.${"p".repeat(43)}.0123456789abcdef.${"s".repeat(43)}` },
  },
  {
    name: "a disk that is too small",
    says: [/Too little space in \/opt\/fettle-agent/, /install\.disk-full/],
    how: {},
    before: "mount -t tmpfs -o size=30m none /opt",
    after: "umount /opt",
  },
  {
    name: "a disk that fills up while the archive is unpacked",
    says: [/The disk is full/, /No space left/],
    how: { fakes: { df: says(room) } },
    before: "mount -t tmpfs -o size=90m none /opt",
    after: "umount /opt",
  },
  {
    name: "a disk that fills up while the archive comes",
    says: [/The disk is full at \/opt\/fettle-agent/, /install\.disk-full/],
    how: { fakes: { df: says(roomAtFirst) } },
    before: "mount -t tmpfs -o size=20m none /opt",
    after: "umount /opt",
  },
  {
    name: "a program that does not run there",
    says: [/does not run here/, /noexec/],
    how: {},
    before: "mount -t tmpfs -o noexec none /opt",
    after: "umount /opt",
  },
  {
    name: "systemd that does not take the units",
    says: [/systemd does not take the units/],
    how: { fakes: { systemctl: says('[ "$1" != daemon-reload ] || exit 1; exec /bin/systemctl "$@"') } },
  },
  {
    name: "a coordinator that is not there",
    says: [/cannot be reached/, /install\.unreachable/],
    how: {},
    edit: (script) => script.replace(/api_port='\d+'/, "api_port='9'"),
  },
  {
    name: "a name that nobody knows",
    says: [/The name nowhere\.invalid is not known/],
    how: {},
    edit: (script) => script.replace(/host='[^']*'/, "host='nowhere.invalid'"),
  },
  {
    name: "a proxy that is asked for and not there",
    says: [/cannot be reached|proxy/i],
    how: { env: { FETTLE_PROXY: "http://127.0.0.1:9" } },
  },
  {
    name: "a command of that name that is somebody else's",
    says: [/\/usr\/local\/bin\/fettle-agent is there already and is not Fettle's/],
    how: {},
    before: "echo mine >/usr/local/bin/fettle-agent",
    after: "rm /usr/local/bin/fettle-agent",
  },
  {
    name: "a unit of that name that is somebody else's",
    says: [/fettle-agent\.service is there already and is not Fettle's/],
    how: {},
    before: "echo '[Service]' >/etc/systemd/system/fettle-agent.service",
    after: "rm /etc/systemd/system/fettle-agent.service",
  },
  {
    name: "a masked unit",
    says: [/is masked/],
    how: {},
    before: "ln -s /dev/null /etc/systemd/system/fettle-agent.service",
    after: "rm /etc/systemd/system/fettle-agent.service",
  },
  {
    name: "a link in the place of the data folder",
    says: [/\/var\/lib\/fettle-agent is there already and is not Fettle's/],
    how: {},
    before: "ln -s /tmp /var/lib/fettle-agent",
    after: "rm /var/lib/fettle-agent",
  },
  {
    name: "another coordinator's identity",
    says: [/This machine is other-1 of another coordinator \(coordinator\.x\.fettle\.internal\)/],
    how: {},
    before: `mkdir -p /var/lib/fettle-agent/identity; printf '{\\n  "node": "other-1",\\n  "coordinatorName": "coordinator.x.fettle.internal"\\n}\\n' >/var/lib/fettle-agent/identity/identity.json`,
    after: "rm -r /var/lib/fettle-agent",
  },
  {
    name: "another install at work",
    says: [/Another install runs on this machine \(process 1\)/],
    how: {},
    before: "mkdir /run/fettle-agent-install; : >/run/fettle-agent-install/owner-1",
    after: "rm -r /run/fettle-agent-install",
  },
];

const shell = (host: Host, text: string | undefined): Promise<string> =>
  text === undefined ? Promise.resolve("") : host.run(["sh", "-c", text]);

function stepOf({ name, says: expected, how, edit = (script) => script, before, after }: Case): InstallStep {
  return {
    name: `install.sh refuses ${name}, and leaves the machine as it was`,
    async run(lab) {
      const { text, minted } = await scriptFor(lab);
      const untouched = await stateOf(lab.ollama);
      await shell(lab.ollama, before);
      try {
        await refuses(lab.ollama, { token: minted.token, ...how, script: edit(text) }, expected);
      } finally {
        await shell(lab.ollama, after);
      }
      assertSame(await stateOf(lab.ollama), untouched);
    },
  };
}

const tokens: InstallStep[] = [
  {
    name: "install.sh refuses a token that nobody made",
    async run(lab) {
      const { text, minted } = await scriptFor(lab);
      const token = minted.token.replace(/[^.]{8}$/, "AAAAAAAA");
      await refuses(lab.ollama, { script: text, token }, [/HTTP 403/, /is not known here/, /identity\.token-unknown/]);
    },
  },
  {
    name: "install.sh refuses a token that was used, naming the machine that used it",
    async run(lab) {
      const { text, minted } = await scriptFor(lab);
      await spend(lab.ollama, minted, "i-0first");
      const expected = [/HTTP 409/, /was used already, by instance i-0first/, /identity\.token-used/];
      await refuses(lab.ollama, { script: text, token: minted.token }, expected);
      await lab.fettle.cli(["node", "remove", lab.ollama.name]);
    },
  },
  {
    name: "install.sh refuses a token that has run out",
    async run(lab) {
      const { text } = await scriptFor(lab);
      const { token } = await mint(lab, ["--ttl", "1m"]);
      await new Promise((resolve) => setTimeout(resolve, 61_000));
      await refuses(lab.ollama, { script: text, token }, [/HTTP 403/, /has run out/, /identity\.token-expired/]);
    },
  },
  {
    name: "install.sh refuses a token for another cloud instance",
    async run(lab) {
      const { text } = await scriptFor(lab);
      const { token } = await mint(lab, ["--instance-id", "i-0abc"]);
      await refuses(lab.ollama, { script: text, token }, [
        /is for the instance i-0abc/,
        /identity\.token-other-instance/,
      ]);
    },
  },
];

const others: InstallStep[] = [
  {
    name: "a wrong pin in the pasted line runs nothing",
    async run(lab) {
      const { line } = await mint(lab);
      const before = await stateOf(lab.ollama);
      const wrong = line.replace(/sha256\/\/[^']*/, `sha256//${"A".repeat(43)}=`);
      const { code, stderr } = await lab.ollama.exec(["sh", "-c", wrong]);
      assert.equal(code, 90, stderr);
      assertSame(await stateOf(lab.ollama), before);
    },
  },
  {
    name: "install.sh names a proxy that answers in the coordinator's place",
    async run(lab) {
      const { text, minted } = await scriptFor(lab);
      const { subnet } = lab.config;
      await withStranger(addressAt(subnet, 1), async (port) => {
        const there = text.replace(/host='[^']*'/, `host='${addressAt(subnet, 1)}'`);
        const script = there.replace(/api_port='\d+'/, `api_port='${port}'`);
        const expected = [/is not the coordinator's; its certificate was issued by: .*Corporate Proxy/, /NO_PROXY/];
        await refuses(lab.ollama, { script, token: minted.token }, expected);
      });
    },
  },
  {
    name: "install.sh asks the coordinator directly, whatever the machine's proxy is; --dry-run changes nothing",
    async run(lab) {
      const { text } = await scriptFor(lab);
      const before = await stateOf(lab.ollama);
      const env = { https_proxy: "http://127.0.0.1:9", ALL_PROXY: "http://127.0.0.1:9" };
      const { code, said } = await attempt(lab.ollama, { script: text, args: ["--dry-run", "--mirror"], env });
      assert.equal(code, 0, said);
      assert.match(said, /would download .*\n[\s\S]*would enrol at .*\n[\s\S]*Nothing was changed/);
      assertSame(await stateOf(lab.ollama), before);
    },
  },
];

/** Everything that install.sh and the pasted line refuse, on a machine that has no Fettle. */
export const refusals: InstallStep[] = [...cases.map(stepOf), ...others, ...tokens];
