import t from "tap";
import { GATEWAY, GITLAB, Machine, OLLAMA } from "./bench.ts";

const STAYS_OF_OLLAMA = Object.keys(OLLAMA);
const OTHERS = ["etc/systemd/system/multi-user.target.wants/other.service", "home/someone/fettle-install.sh"];

t.test("a plain machine: nothing is left, and a second time there is nothing to do", async (t) => {
  const machine = Machine.installed(t);
  const { code, out } = await machine.uninstall();
  t.equal(code, 0);
  t.match(out, /This goes:[\s\S]*fettle-agent\.service[\s\S]*\/opt\/fettle-agent/);
  t.match(out, /No identity of this machine can be read/);
  t.same(machine.files(), OTHERS);
  t.notOk(machine.has("etc/fettle") || machine.has("opt/fettle-agent"));
  t.equal(machine.units.get("fettle-agent.service"), "inactive");
  t.ok(machine.said.includes("daemon-reload"));
  const clean = new Machine(t);
  const again = await clean.uninstall();
  t.equal(again.code, 0);
  t.match(again.out, /nothing of Fettle's agent/);
});

t.test("the coordinator's settings beside it stay", async (t) => {
  const machine = Machine.installed(t, { "etc/fettle/coordinator.yaml": "" });
  t.equal((await machine.uninstall()).code, 0);
  t.ok(machine.has("etc/fettle/coordinator.yaml"));
  t.notOk(machine.has("etc/fettle/agent.yaml"));
});

t.test("dry run, and not root: nothing changes", async (t) => {
  const machine = Machine.installed(t, OLLAMA, GATEWAY, GITLAB);
  machine.containers.push({ name: "fettle-gateway", state: "running" });
  const before = machine.files();
  const { code, out } = await machine.uninstall("--dry-run", "--purge-config");
  t.equal(code, 0);
  t.match(out, /--purge-config asks[\s\S]*from its next restart on Ollama listens on 127\.0\.0\.1 alone/);
  t.match(out, /fettle-gateway \(running\)[\s\S]*not started again/);
  t.match((await machine.run(["uninstall"], 1000)).error, /agent\.uninstall-not-root/);
  t.same(machine.files(), before);
  t.equal(machine.units.get("fettle-agent.service"), "active");
  t.equal(machine.token, "good");
});

t.test("what Ollama needs stays and is printed; --purge-config takes the drop-in alone", async (t) => {
  const machine = Machine.installed(t, OLLAMA);
  const { out } = await machine.uninstall();
  t.match(out, /This stays[\s\S]*zz-fettle\.conf[\s\S]*by hand: rm [\s\S]*fettle-ollama[\s\S]*userdel/);
  for (const path of STAYS_OF_OLLAMA) t.ok(machine.has(path), path);
  const purged = await machine.uninstall("--purge-config");
  t.equal(purged.code, 0);
  t.notOk(machine.has("etc/systemd/system/ollama.service.d"));
  t.ok(machine.has("usr/local/lib/fettle-ollama/0.32.15-1/bin/ollama"));
  t.match((await machine.uninstall("--purge-config")).out, /nothing of Fettle's agent/);
});

t.test("the gateway's keys are set aside; --purge-config removes them and stops nothing", async (t) => {
  const machine = Machine.installed(t, GATEWAY);
  machine.containers.push({ name: "fettle-gateway", state: "running" });
  machine.containers.push({ name: "fettle-gateway-previous", state: "exited" });
  const { code, out } = await machine.uninstall();
  t.equal(code, 0);
  t.match(out, /fettle-gateway-keys/);
  t.same(
    machine.files().filter((path) => path.endsWith(".pem")),
    ["var/lib/fettle-gateway-keys/gateway-aigw-signing.pem", "var/lib/fettle-gateway-keys/gateway-aigw-validation.pem"],
  );
  t.match(machine.containers, [{ state: "running" }, { state: "exited" }]);
  await machine.uninstall("--purge-config");
  t.match(machine.containers, [{ state: "running", restart: "no" }, { state: "gone" }]);
  t.notOk(machine.has("var/lib/fettle-gateway-keys"));
});

t.test("without a container the keys go", async (t) => {
  const machine = Machine.installed(t, GATEWAY);
  t.equal((await machine.uninstall()).code, 0);
  t.same(
    machine.files().filter((path) => path.endsWith(".pem")),
    [],
  );
});

t.test("an Engine that does not answer may hold a container: the keys stay", async (t) => {
  const machine = Machine.installed(t, GATEWAY, { "usr/bin/dockerd": "" });
  const { out } = await machine.uninstall();
  t.match(out, /Docker Engine[\s\S]*does not answer/);
  t.ok(machine.has("var/lib/fettle-gateway-keys/gateway-aigw-signing.pem"));
});

t.test("the GitLab token is revoked by itself, and not the operator's own", async (t) => {
  const machine = Machine.installed(t, GITLAB);
  const { out } = await machine.uninstall();
  t.match(out, /Revoked the GitLab token \(fettle, of the user root\)/);
  t.equal(machine.token, "revoked");
  t.notMatch(out, /glpat/);
  const sum = "09ce4fd34ce5d0bf6a5aba8b5ab04b1e7b8a0e5de11f4d4a4b4fd6cf0e0be7d9";
  const theirs = Machine.installed(t, GITLAB, {
    "var/lib/fettle-agent/secrets/gitlab-token.json": JSON.stringify({ from: `file:${sum}`, token: "rotated" }),
  });
  await theirs.uninstall();
  t.equal(theirs.token, "revoked", "a token that Fettle rotated out of the operator's is Fettle's");
  const own = Machine.installed(t, GITLAB, {
    "var/lib/fettle-agent/secrets/gitlab-token.json": JSON.stringify({ from: `file:${OWN_SUM}`, token: "own" }),
  });
  await own.uninstall();
  t.equal(own.token, "good");
});
/** sha256 of `own`. */
const OWN_SUM = "5b3975651c3cab92d044c096dc30a1c2d9525497457472de48c51ecb363d1f4a";

t.test("GitLab away: nothing is removed, unless --yes", async (t) => {
  const machine = Machine.installed(t, GITLAB);
  machine.gitlabAway = true;
  const before = machine.files();
  const { code, error } = await machine.uninstall();
  t.equal(code, 1);
  t.match(error, /agent\.uninstall-token/);
  t.match(
    error,
    /fettle, of the user root[\s\S]*https:\/\/gitlab\.example\.com\/-\/user_settings\/personal_access_tokens/,
  );
  t.same(machine.files(), before);
  t.equal(machine.units.get("fettle-agent.service"), "active");
  const forced = await machine.uninstall("--yes");
  t.equal(forced.code, 0);
  t.match(forced.out, /NOT revoked/);
  t.notOk(machine.has("var/lib/fettle-agent"));
});

t.test("an agent at work ends what it does first, and one that does not end it stays", async (t) => {
  const machine = Machine.installed(t);
  machine.working = [["gateway.container"], ["gateway.container"], []];
  t.equal((await machine.uninstall()).code, 0);
  t.same(machine.said.slice(0, 4), ["/v1/pause", "/v1/status", "/v1/status", "/v1/status"]);
  const stuck = Machine.installed(t);
  stuck.working = [["gateway.container"]];
  const { code, error } = await stuck.uninstall();
  t.equal(code, 1);
  t.match(error, /in the middle of gateway\.container[\s\S]*agent\.uninstall-busy/);
  t.ok(stuck.said.includes("/v1/resume"));
  t.equal(stuck.units.get("fettle-agent.service"), "active");
  t.equal((await stuck.uninstall("--yes")).code, 0);
});

t.test("half of an installation goes like a whole one", async (t) => {
  const halves: ReadonlyArray<Readonly<Record<string, string>>> = [
    { "opt/fettle-agent/.0.1.0.new/bin/node": "half" },
    { "usr/local/bin/fettle-agent": "-> /opt/fettle-agent/current/bin/fettle-agent" },
    { "usr/local/bin/fettle-agent": "#!/bin/sh\nexec /opt/fettle-agent/current/bin/node\n" },
    { "etc/fettle/agent.yaml": "not: [yaml" },
    { "var/lib/fettle-agent/desired.json": "{", "var/lib/fettle-agent/fence.json": "{" },
    { "etc/systemd/system/fettle-agent-guard.service": "" },
    { "etc/systemd/system/.fettle-agent.service.fettle-new": "", "etc/systemd/system/fettle-agent.service": "" },
  ];
  for (const half of halves) {
    const machine = new Machine(t, half);
    t.equal((await machine.uninstall()).code, 0, Object.keys(half).join());
    t.same(machine.files(), [], Object.keys(half).join());
  }
  const foreign = new Machine(t, { "usr/local/bin/fettle-agent": "#!/bin/sh\nexec other\n" });
  t.match((await foreign.uninstall()).out, /nothing of Fettle's agent/);
  t.ok(foreign.has("usr/local/bin/fettle-agent"), "somebody else's command is not touched");
});

t.test("cut short anywhere, a second run ends it", async (t) => {
  for (let failAt = 1; failAt < 40; failAt += 1) {
    const machine = Machine.installed(t, OLLAMA, GATEWAY, GITLAB);
    machine.containers.push({ name: "fettle-gateway", state: "running" });
    machine.failAt = failAt;
    const first = await machine.uninstall();
    if (first.code === 0) {
      t.ok(failAt > 10, "each removal was cut once");
      return;
    }
    t.match(first.error, /\(agent\./);
    const second = await machine.uninstall();
    t.equal(second.code, 0, `cut at removal ${failAt}: ${second.error}`);
    const left = machine.files().filter((path) => /fettle-agent|etc\/fettle/.test(path));
    t.same(left, [], `cut at removal ${failAt}`);
    t.ok(machine.has("var/lib/fettle-gateway-keys/gateway-aigw-signing.pem"), `keys, cut at removal ${failAt}`);
  }
  t.fail("it never came to an end");
});

t.test("--json says the same to a program", async (t) => {
  const machine = Machine.installed(t, OLLAMA);
  const dry = JSON.parse((await machine.uninstall("--json", "--dry-run")).out);
  t.match(dry, { schemaVersion: 1, nothingToDo: false, token: null });
  const done = JSON.parse((await machine.uninstall("--json")).out);
  t.ok(done.did.includes("Removed /opt/fettle-agent."));
  t.match(JSON.parse((await machine.uninstall("--json")).out), { nothingToDo: true });
});
