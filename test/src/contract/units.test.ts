import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bench } from "@fettle/agent/system/contract/bench.ts";
import { unitsCases } from "@fettle/agent/system/units.contract.ts";
import t from "tap";
import { makeSandboxHost } from "../sandbox/host/sandbox-host.ts";

/** The units' cases on the sandbox's unit manager; on systemd itself they are run by `units-in-container.ts`. */
const root = mkdtempSync(join(tmpdir(), "fettle-contract-sandbox-"));
const socket = join(root, "units.sock");
mkdirSync(join(root, "machine"));
const program = join(import.meta.dirname, "../sandbox/machine/main.ts");
const argv = [program, "--root", join(root, "machine"), "--socket", socket];
const machine = spawn(process.execPath, argv, { stdio: ["pipe", "inherit", "inherit"] });
const gone = new Promise((resolve) => machine.once("exit", resolve));
t.teardown(async () => {
  machine.kill("SIGTERM");
  await gone;
  rmSync(root, { recursive: true, force: true });
});
while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 20));

const host = makeSandboxHost({ root: join(root, "machine"), address: "127.0.0.1", socket });
for (const [index, { name, run }] of unitsCases.filter(({ only }) => only === undefined).entries()) {
  t.test(name, async (t) => {
    const bench = new Bench(host, `fettle-case-${index}`);
    t.teardown(() => bench.clean());
    await run(bench);
  });
}
