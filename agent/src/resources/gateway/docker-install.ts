import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Host } from "../../system/host.ts";
import { type AptCodes, aptLock, isRunning, runAptUnit } from "../any/apt-unit.ts";
import type { Reporter } from "../resource.ts";

const UPDATE = "fettle-apt-update";
const INSTALL = "fettle-docker-install";
export const INSTALL_UNIT = `${INSTALL}.service`;
const LOCK = aptLock(120);

const CODES: AptCodes = {
  locked: "gateway.docker.apt-locked",
  "would-remove": "gateway.docker.would-remove",
  "dpkg-broken": "gateway.docker.dpkg-broken",
  "disk-full": "gateway.docker.disk-full",
  "no-package": "gateway.docker.no-package",
  unreachable: "gateway.docker.apt-unreachable",
  failed: "gateway.docker.install-failed",
};

/** Installs the distribution's Engine in units that outlive the agent; one that runs already is waited for. */
export async function installDocker(host: Host, signal: AbortSignal, reporter: Reporter): Promise<void> {
  const apt = await host.exec.find("apt-get");
  if (apt === null) throw new FettleError("gateway.docker.no-apt");
  if (!isRunning(await host.units.show(INSTALL_UNIT))) {
    reporter.progress({ text: "reading the package lists" });
    // Old lists may do: what is missing is then told by the installation itself.
    const update = { name: UPDATE, argv: [apt, ...LOCK, "update"] };
    await runAptUnit(host, update, CODES, signal, reporter).catch((error: unknown) => {
      if (!(error instanceof FettleError)) throw error;
    });
    reporter.progress({ text: "installing docker.io" });
  }
  const argv = [apt, ...LOCK, "install", "--yes", "--no-remove", "--no-install-recommends", "docker.io"];
  await runAptUnit(host, { name: INSTALL, argv }, CODES, signal, reporter);
}
