import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { makeClients } from "@fettle/agent/clients/clients.ts";
import { newPass } from "@fettle/agent/reconcile/pass.ts";
import { docker } from "@fettle/agent/resources/gateway/docker.ts";
import type { Resource, ResourceContext, Verdict } from "@fettle/agent/resources/resource.ts";
import type { Host } from "@fettle/agent/system/host.ts";
import { must } from "@fettle/shared/lib/must.ts";
import t, { type Test } from "tap";
import { makeSandboxHost } from "../../sandbox/host/sandbox-host.ts";
import { Manager } from "../../sandbox/machine/manager.ts";
import { UnitServer } from "../../sandbox/machine/server.ts";
import { BenchClock } from "./bench-clock.ts";

t.setTimeout(120_000);

const ENGINE = join(import.meta.dirname, "../../stand-ins/engine/main.ts");
const OPTIONS = "-o DPkg::Lock::Timeout=120 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20";
const UNIT = "etc/systemd/system/docker.service";

class Machine {
  readonly root: string;
  readonly host: Host;
  readonly clock = new BenchClock();
  readonly log: string[] = [];
  readonly manager: Manager;
  readonly #resource = docker() as Resource;
  readonly #kept = new Map<string, string>();

  static async start(t: Test): Promise<Machine> {
    const machine = new Machine(mkdtempSync(join(tmpdir(), "fettle-docker-")));
    const server = new UnitServer(machine.manager);
    await server.listen(join(machine.root, "units.sock"));
    t.teardown(async () => {
      await machine.manager.shutdown();
      server.close();
      rmSync(machine.root, { recursive: true, force: true });
    });
    return machine;
  }

  private constructor(root: string) {
    this.root = root;
    mkdirSync(join(root, "run"), { recursive: true });
    mkdirSync(join(root, "var"));
    symlinkSync("../run", join(root, "var/run"));
    const real = makeSandboxHost({ root, address: "127.9.9.9", socket: join(root, "units.sock") });
    this.host = { ...real, clock: this.clock };
    this.manager = new Manager({ root, environment: {}, onChange: () => undefined });
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
    chmodSync(join(this.root, path), mode);
  }

  /** docker.service as the package brings it, run by the stand-in. */
  unitText(execStart = this.engineArgv().join(" "), restart = "always"): string {
    return `[Service]\nExecStart=${execStart}\nRestart=${restart}\nRestartSec=0.05\n[Install]\nWantedBy=multi-user.target\n`;
  }

  engineArgv(): string[] {
    const images = join(this.root, "images.json");
    if (!existsSync(images)) writeFileSync(images, "[]");
    const at = ["--socket", join(this.root, "run/docker.sock"), "--root", join(this.root, "var/lib/docker")];
    return [process.execPath, ENGINE, ...at, "--images", images];
  }

  async look(): Promise<Verdict> {
    return this.#resource.diff(await this.#resource.observe(this.#context(), AbortSignal.timeout(30_000)));
  }

  async repair(): Promise<Verdict> {
    const before = await this.look();
    if (before.kind !== "drift") return before;
    const reporter = { progress: () => undefined, log: (text: string) => this.log.push(text) };
    await must(this.#resource.apply, "apply")(this.#context(), before.changes, AbortSignal.timeout(30_000), reporter);
    return this.settled();
  }

  /** Until it is no passing state any more. */
  async settled(): Promise<Verdict> {
    for (const end = performance.now() + 15_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const verdict = await this.look();
      if (verdict.kind !== "unknown" || performance.now() > end) return verdict;
    }
  }

  #context(): ResourceContext {
    const kept = this.#kept;
    return {
      host: this.host,
      clients: makeClients(this.host),
      pass: newPass("test"),
      kept: {
        get: (key) => kept.get(key) ?? null,
        set: (key, value) => void kept.set(key, value),
        delete: (key) => void kept.delete(key),
      },
      approved: false,
    };
  }
}

t.test("an Engine that is there: started, enabled at boot, left alone", async (t) => {
  const machine = await Machine.start(t);
  machine.write(UNIT, machine.unitText());
  t.match(await machine.look(), {
    kind: "drift",
    changes: [
      { what: "docker.service", from: "inactive", to: "active" },
      { what: "start at boot", from: "disabled", to: "enabled" },
    ],
    restartOnly: true,
    disturbs: "none",
  });
  t.match(await machine.repair(), { kind: "in-sync" });
  const { mainPid } = machine.manager.show("docker.service");
  t.match(await machine.repair(), { kind: "in-sync" });
  t.equal(machine.manager.show("docker.service").mainPid, mainPid);
  rmSync(join(machine.root, "etc/systemd/system/multi-user.target.wants/docker.service"));
  t.match(await machine.look(), { kind: "drift", changes: [{ what: "start at boot" }], disturbs: "none" });
  t.match(await machine.repair(), { kind: "in-sync" });
  t.equal(machine.manager.show("docker.service").mainPid, mainPid, "nothing was restarted for that");
});

t.test("what is not repaired, since it is somebody else's or would end containers", async (t) => {
  const cases: { name: string; make: (machine: Machine) => void; code: string; args?: object }[] = [
    {
      name: "masked",
      make: ({ root }) => {
        mkdirSync(join(root, dirname(UNIT)), { recursive: true });
        symlinkSync("/dev/null", join(root, UNIT));
      },
      code: "gateway.docker.masked",
    },
    { name: "nothing to install with", make: () => undefined, code: "gateway.docker.no-apt" },
    {
      name: "podman",
      make: (machine) => machine.write("usr/bin/podman", "#!/bin/sh\n", 0o755),
      code: "gateway.docker.other-engine",
      args: { found: "/usr/bin/podman" },
    },
    {
      name: "a package",
      make: (machine) => {
        machine.write("usr/bin/apt-get", "#!/bin/sh\nexit 1\n", 0o755);
        const lines = "installed containerd.io\\nnot-installed docker.io\\n";
        machine.write("usr/bin/dpkg-query", `#!/bin/sh\nprintf '${lines}'\nexit 1\n`, 0o755);
      },
      code: "gateway.docker.other-engine",
      args: { found: "containerd.io" },
    },
    {
      name: "a snap",
      make: (machine) => machine.write("var/lib/snapd/snaps/docker_2915.snap", ""),
      code: "gateway.docker.other-engine",
      args: { found: "docker_2915.snap" },
    },
  ];
  for (const { name, make, code, args = {} } of cases) {
    const machine = await Machine.start(t);
    make(machine);
    t.match(await machine.repair(), { kind: "blocked", code, args }, name);
  }
});

t.test("an Engine that does not start, or starts and does not answer", async (t) => {
  const crashing = await Machine.start(t);
  crashing.write(UNIT, crashing.unitText("/bin/sh -c exit"));
  t.match(await crashing.repair(), { kind: "blocked", code: "gateway.docker.start-failed" });

  const elsewhere = await Machine.start(t);
  elsewhere.write(UNIT, elsewhere.unitText("/bin/sleep 60"));
  await elsewhere.manager.start("docker.service");
  t.match(await elsewhere.look(), { kind: "unknown", code: "agent.in-transit" }, "it may be starting");
  elsewhere.clock.ahead = 31_000;
  t.match(await elsewhere.look(), { kind: "blocked", code: "gateway.docker.no-socket", args: { problem: "ENOENT" } });
  const server = createServer((_, response) => response.writeHead(500).end());
  await new Promise<void>((resolve) => server.listen(join(elsewhere.root, "run/docker.sock"), resolve));
  t.match(await elsewhere.look(), { kind: "blocked", code: "gateway.docker.unresponsive" });
  server.close();
});

t.test("an Engine of another kind", async (t) => {
  const machine = await Machine.start(t);
  const version = { Version: "5.4.0", Arch: "amd64", Components: [{ Name: "Podman Engine" }] };
  const server = createServer((_, response) => response.end(JSON.stringify(version)));
  await new Promise<void>((resolve) => server.listen(join(machine.root, "run/docker.sock"), resolve));
  t.match(await machine.look(), { kind: "blocked", code: "gateway.docker.podman", args: { version: "5.4.0" } });
  version.Components = [{ Name: "Engine" }];
  t.match(await machine.look(), { kind: "in-sync", findings: [{ code: "gateway.docker.boot-unknown" }] });
  server.close();
});

t.test("installed from the distribution where there is none, and only that", async (t) => {
  const machine = await Machine.start(t);
  const unit = machine.unitText();
  machine.write("docker.service", unit);
  const apt = [
    "#!/bin/sh",
    'echo "$@ $DEBIAN_FRONTEND" >> apt.log',
    'echo "Setting up $5"',
    'case "$*" in *install*) mkdir -p etc/systemd/system; cp docker.service etc/systemd/system/ ;; esac',
    "",
  ];
  machine.write("usr/bin/apt-get", apt.join("\n"), 0o755);
  t.match(await machine.look(), { kind: "drift", creates: "the package docker.io", breaking: true });
  t.match(await machine.repair(), { kind: "in-sync" });
  t.same(readFileSync(join(machine.root, "apt.log"), "utf8").trim().split("\n"), [
    `${OPTIONS} update noninteractive`,
    `${OPTIONS} install --yes --no-remove --no-install-recommends docker.io noninteractive`,
  ]);
  t.match(machine.log.join(""), /Setting up/);
});

t.test("the command docker comes too where it is a package of its own", async (t) => {
  for (const [known, packages] of [
    [0, "docker.io docker-cli"],
    [100, "docker.io"],
  ] as const) {
    const machine = await Machine.start(t);
    machine.write("docker.service", machine.unitText());
    const place = 'case "$*" in *install*) mkdir -p etc/systemd/system; cp docker.service etc/systemd/system/ ;; esac';
    machine.write("usr/bin/apt-get", `#!/bin/sh\necho "$*" >> apt.log\n${place}\n`, 0o755);
    machine.write("usr/bin/apt-cache", `#!/bin/sh\n[ "$*" = "show docker-cli" ] || exit 7\nexit ${known}\n`, 0o755);
    await machine.repair();
    const [, installed = ""] = readFileSync(join(machine.root, "apt.log"), "utf8").trim().split("\n");
    t.match(installed, new RegExp(`--no-install-recommends ${packages}$`));
  }
});

t.test("every way in which the installation fails has its code", async (t) => {
  const cases = [
    ["E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (apt)", "gateway.docker.apt-locked"],
    ["E: Packages need to be removed but remove is disabled.", "gateway.docker.would-remove"],
    ["E: dpkg was interrupted, you must manually run 'dpkg --configure -a'", "gateway.docker.dpkg-broken"],
    ["E: You don't have enough free space in /var/cache/apt/archives/.", "gateway.docker.disk-full"],
    ["E: Unable to locate package docker.io", "gateway.docker.no-package"],
    [
      "Err:1 http://deb.example noble InRelease Temporary failure resolving deb.example",
      "gateway.docker.apt-unreachable",
    ],
    ["E: Sub-process /usr/bin/dpkg returned an error code (1)", "gateway.docker.install-failed"],
  ] as const;
  for (const [said, code] of cases) {
    const machine = await Machine.start(t);
    const apt = `#!/bin/sh\ncase "$*" in *install*) echo "${said}"; exit 100 ;; esac\n`;
    machine.write("usr/bin/apt-get", apt, 0o755);
    await t.rejects(machine.repair(), { code }, said);
  }
});

t.test("no internet and no Engine: blocked and said so, until the sources change or an Engine is there", async (t) => {
  const machine = await Machine.start(t);
  const failing = "W: Failed to fetch http://deb.example/dists/noble/InRelease Temporary failure resolving deb.example";
  const apt = [
    "#!/bin/sh",
    'echo "$*" >> apt.log',
    `case "$*" in *install*) echo "E: Unable to locate package docker.io"; exit 100 ;; esac`,
    `echo "${failing}"`,
    "",
  ];
  machine.write("usr/bin/apt-get", apt.join("\n"), 0o755);
  await t.rejects(machine.repair(), { code: "gateway.docker.apt-unreachable" }, "though apt names the package");
  const before = readFileSync(join(machine.root, "apt.log"), "utf8");
  for (let look = 0; look < 3; look += 1)
    t.match(await machine.look(), {
      kind: "blocked",
      code: "gateway.docker.apt-unreachable",
      args: { problem: /Temporary failure resolving/ },
    });
  t.equal(readFileSync(join(machine.root, "apt.log"), "utf8"), before, "apt is left alone meanwhile");
  machine.write("etc/apt/sources.list", "deb http://packages.internal noble main");
  t.match(await machine.look(), { kind: "drift" }, "the operator has named other sources");
  await t.rejects(machine.repair(), { code: "gateway.docker.apt-unreachable" });
  t.match(await machine.look(), { kind: "blocked" });
  machine.clock.ahead += 3_600_000;
  t.match(await machine.look(), { kind: "drift" }, "after an hour");
});

t.test("an installation that an earlier life of the agent began is waited for", async (t) => {
  const machine = await Machine.start(t);
  machine.write("docker.service", machine.unitText());
  const apt =
    "#!/bin/sh\necho run >> apt.log\nsleep 1\nmkdir -p etc/systemd/system; cp docker.service etc/systemd/system/\n";
  machine.write("usr/bin/apt-get", apt, 0o755);
  await machine.host.units.runTransient({
    name: "fettle-docker-install",
    description: "x",
    argv: ["/usr/bin/apt-get"],
  });
  t.match(await machine.look(), {
    kind: "unknown",
    code: "agent.in-transit",
    args: { what: "fettle-docker-install.service" },
  });
  const begun = await machine.settled();
  t.match(begun, { kind: "drift", changes: [{ what: "docker.service" }, {}] });
  // As the package itself does at its end.
  machine.manager.daemonReload();
  t.match(await machine.repair(), { kind: "in-sync" });
  t.equal(readFileSync(join(machine.root, "apt.log"), "utf8"), "run\n");
});
