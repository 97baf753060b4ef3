import { readFileSync } from "node:fs";
import { join } from "node:path";
import { docker, tryDocker } from "../docker.ts";
import type { Host } from "../host.ts";
import { createHost } from "../host-create.ts";
import type { Machine } from "../host-spec.ts";
import { addressOf } from "../layout.ts";
import type { CloudLab } from "./cloud-lab.ts";
import { firmwareOf, type Instance } from "./instance.ts";
import { tell } from "./metadata.ts";

const start = readFileSync(join(import.meta.dirname, "firmware.sh"), "utf8");
/** What systemd's program says on such a machine: a virtual one, and no container. */
const detectVirt = `#!/bin/sh
case " $* " in *" --container "* | *" -c "*) exit 1 ;; esac
case " $* " in *" --quiet "* | *" -q "*) ;; *) echo kvm ;; esac
`;

/** A new machine of a cloud at this host's address, switched on; nobody waits until it is up. */
export async function launch(
  lab: CloudLab,
  host: Host,
  instance: Instance,
  image = lab.images[instance.cloud],
  more: NonNullable<Machine["files"]> = [],
): Promise<void> {
  tell(lab.config, instance);
  const fields = Object.entries(firmwareOf(instance));
  const files: Machine["files"] = [
    { path: "etc/lab-firmware/start", text: start, mode: 0o755 },
    { path: "etc/lab-firmware/detect-virt", text: detectVirt, mode: 0o755 },
    { path: "etc/lab-firmware/metadata", text: addressOf(lab.config.subnet, "metadata") },
    ...fields.map(([field, text]) => ({ path: `etc/lab-firmware/dmi/${field}`, text: `${text}\n` })),
    ...more,
  ];
  const machine = { image, cgroupVersion: lab.cgroupVersion, bare: true, files };
  await createHost(lab.config, machine, host);
  await docker(["start", host.container]);
}

/** Launches `host` from an image of another machine's disk as it is now; both are gone when `use` is through. */
export async function withCopy(
  lab: CloudLab,
  of: Host,
  host: Host,
  instance: Instance,
  use: () => Promise<void>,
): Promise<void> {
  const image = `${of.container}-image`;
  await docker(["commit", of.container, image], { timeoutMs: 120_000 });
  try {
    await launch(lab, host, instance, image);
    await use();
  } finally {
    await tryDocker(["rm", "--force", "--volumes", host.container]);
    await tryDocker(["rmi", image]);
  }
}
