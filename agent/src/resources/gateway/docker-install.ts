import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Host } from "../../system/host.ts";
import { type AptCodes, aptLock, isRunning, runAptUnit, unreachedIn } from "../any/apt-unit.ts";
import type { Reporter } from "../resource.ts";

const UPDATE = "fettle-apt-update";
const INSTALL = "fettle-docker-install";
export const INSTALL_UNIT = `${INSTALL}.service`;
/** A source that does not answer is given up soon: there can be many. */
const TIMES = ["-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"];
const COMMAND = "docker-cli";
const QUERY_MS = 10_000;
const LOCK = [...aptLock(120), ...TIMES];

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
  let told: readonly string[] = [];
  if (!isRunning(await host.units.show(INSTALL_UNIT))) {
    reporter.progress({ text: "reading the package lists" });
    // Old lists may do: what is missing is then told by the installation itself.
    const update = { name: UPDATE, argv: [apt, ...LOCK, "update"] };
    told = await runAptUnit(host, update, CODES, signal, reporter).catch((error: unknown) => {
      if (!(error instanceof FettleError)) throw error;
      return [String(error.args.problem)];
    });
    reporter.progress({ text: "installing docker.io" });
  }
  const packages = ["docker.io", ...(await commandPackage(host))];
  const argv = [apt, ...LOCK, "install", "--yes", "--no-remove", "--no-install-recommends", ...packages];
  await runAptUnit(host, { name: INSTALL, argv }, CODES, signal, reporter).catch((error: unknown) => {
    throw error instanceof FettleError ? unreached(error, told) : error;
  });
}

/**
 * The command `docker`, where it is a package of its own (Debian 13). The agent needs only the Engine; whoever is told to
 * read `docker logs` needs this.
 */
async function commandPackage(host: Host): Promise<readonly string[]> {
  const cache = await host.exec.find("apt-cache");
  if (cache === null) return [];
  const { code } = await host.exec.run([cache, "show", COMMAND], { timeoutMs: QUERY_MS });
  return code === 0 ? [COMMAND] : [];
}

/** A source that was not reached has no packages: that is not said by the installation, but before it. */
function unreached(error: FettleError, told: readonly string[]): FettleError {
  const line = unreachedIn(told);
  if (error.code !== "gateway.docker.no-package" || line === null) return error;
  return new FettleError("gateway.docker.apt-unreachable", { problem: line.slice(0, 300) }, { cause: error });
}
