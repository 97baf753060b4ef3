import { join, resolve } from "node:path";
import { execute } from "../command.ts";
import { inSync } from "../fettle/in-sync.ts";
import { engineVolume } from "../host-spec.ts";
import { imageTag } from "../image/recipe.ts";
import type { Lab } from "../lab.ts";
import { LabError } from "../lab-error.ts";
import type { Step } from "./step.ts";

const root = resolve(import.meta.dirname, "../../../..");
const limitMs = 300_000;
/** A folder with the same path in the host and in the container beside it: what is to be mounted is written there. */
const shared = "/var/lib/docker/lab-cases";

/** What the sandbox's stand-ins are held to, asked of the real ones. */
export const contracts: Step[] = [
  {
    name: "systemd does what the cases of the units say, and the agent beside them stays in sync",
    async run(lab) {
      const runner = join(root, "test/src/contract/units-in-container.ts");
      const counted = await cases([process.execPath, runner, lab.gitlab.container]);
      await inSync(lab, 60_000);
      return counted;
    },
  },
  {
    name: "the Docker Engine does what the cases of the Engine say, and the gateway beside them stays in sync",
    async run(lab) {
      await lab.gateway.run(["mkdir", "-p", shared]);
      const counted = await cases([
        "docker",
        "run",
        "--rm",
        ...besideEngine(lab),
        imageTag(lab.config),
        ...engineRunner,
      ]);
      await inSync(lab, 60_000);
      return counted;
    },
  },
];

const engineRunner = [
  "node",
  "/repository/test/src/stand-ins/engine/contract-real.ts",
  "/proc/1/root/run/docker.sock",
  "/usr/bin/busybox",
];

/** As a program of the host would run: in its network and among its processes, with the repository beside. */
function besideEngine({ config, gateway }: Lab): string[] {
  const spaces = ["--network", `container:${gateway.container}`, "--pid", `container:${gateway.container}`];
  const rights = ["--cap-add", "SYS_PTRACE", "--cap-add", "KILL", "--security-opt", "apparmor=unconfined"];
  const mounts = ["--volume", `${root}:/repository:ro`, "--volume", `${process.execPath}:/usr/local/bin/node:ro`];
  const volume = ["--volume", `${engineVolume(config, gateway.name)}:/var/lib/docker`, "--env", `TMPDIR=${shared}`];
  // The cases have limits of their own; the 30 s that tap gives all of them together are not enough on a busy machine.
  return [...spaces, ...rights, ...mounts, ...volume, "--workdir", "/tmp", "--env", "TAP_TIMEOUT=240"];
}

/** Runs what prints TAP; what failed is the error. */
async function cases(argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await execute(argv, { timeoutMs: limitMs });
  const lines = stdout.split("\n");
  const failed = lines.filter((line) => /^\s*not ok/.test(line));
  const passed = lines.filter((line) => /^ok /.test(line)).length;
  if (code === 0 && failed.length === 0 && passed > 0) return `${passed} cases`;
  throw new LabError(
    "lab.contract.failed",
    `ended with ${code}: ${failed.join("\n")}\n${`${stdout}${stderr}`.slice(-4000)}`,
  );
}
