import { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import type { Host } from "../../../system/host.ts";
import { type AptCodes, aptLock, follow, runAptUnit } from "../../any/apt-unit.ts";
import type { Reporter, ResourceContext } from "../../resource.ts";
import { AptLook } from "./apt-look.ts";
import { type Choice, choose, type Wanted } from "./choose.ts";
import { driverMachine } from "./machine.ts";

const UPDATE = "fettle-apt-update";
const INSTALL = "fettle-driver-install";
export const INSTALL_UNIT = `${INSTALL}.service`;
const MODULE = "fettle-driver-module";
/** Unattended upgrades of a machine that was just made take their time. */
const LOCK = aptLock(600);
/** Compiling for a kernel takes a quarter of an hour on two small cores. */
const MAX_SECONDS = 3_600;
/** What may go to make room for another branch. */
const OURS = /^(lib)?nvidia-|^linux-(modules|objects|signatures)-nvidia-|^xserver-xorg-video-nvidia/;

const CODES: AptCodes = {
  locked: "ollama.driver.apt-locked",
  "would-remove": "ollama.driver.would-remove",
  held: "ollama.driver.held",
  downgrade: "ollama.driver.downgrade",
  compile: "ollama.driver.compile",
  "dpkg-broken": "ollama.driver.dpkg-broken",
  "disk-full": "ollama.driver.disk-full",
  "no-package": "ollama.driver.no-package",
  unreachable: "ollama.driver.apt-unreachable",
  failed: "ollama.driver.install-failed",
};

/** The branch that we have begun to install. */
export const BEGUN = "begun-branch";
/** In which boot the module was last tried, and what was said then. */
export const TRIED = "module-tried";
export const MODULE_SAID = "module-said";
/** In which boot the package lists were last read for this. */
export const LISTS = "lists-read";

/** Reads the package lists, chooses again by them and installs; then the module, which may need a reboot. */
export async function installDriver(
  ctx: ResourceContext,
  wanted: Wanted,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<void> {
  const { host, kept } = ctx;
  const machine = await driverMachine(host);
  const apt = new AptLook(host.exec);
  const program = await host.exec.find("apt-get");
  if (program === null) throw new FettleError("ollama.driver.no-apt", { floor: wanted.floor });
  reporter.progress({ text: "reading the package lists" });
  await readLists(host, program, signal, reporter);
  kept.set(LISTS, machine.bootId);
  const choice = await choose(apt, machine, wanted);
  if (choice.kind === "none") throw new FettleError(choice.code, choice.args);
  await refuseRemoval(apt, choice);
  kept.set(BEGUN, choice.branch);
  reporter.progress({ text: `installing the driver ${choice.branch}` });
  const argv = [program, ...LOCK, "install", "--yes", "--no-install-recommends", ...choice.names];
  await runAptUnit(host, { name: INSTALL, argv, maxSeconds: MAX_SECONDS }, CODES, signal, reporter);
  await loadModule(ctx, signal, reporter);
}

/** Old lists may do: what is missing is then told by the choice. */
async function readLists(host: Host, program: string, signal: AbortSignal, reporter: Reporter): Promise<void> {
  const update = { name: UPDATE, argv: [program, ...LOCK, "update"] };
  await runAptUnit(host, update, CODES, signal, reporter).catch((error: unknown) => {
    if (!(error instanceof FettleError)) throw error;
  });
}

/** A newer branch takes the place of an older one; nothing else may go. */
async function refuseRemoval(apt: AptLook, { names }: Extract<Choice, { kind: "packages" }>): Promise<void> {
  const others = (await apt.wouldRemove(names)).filter((name) => !OURS.test(name));
  if (others.length === 0) return;
  const args = { problem: others.join(", ").slice(0, 300), packages: names.join(" ").slice(0, 300) };
  throw new FettleError("ollama.driver.would-remove", args);
}

/** Loads the driver's modules where they can be: not over older ones that are loaded, nor beside nouveau. */
export async function loadModule(
  { host, kept }: ResourceContext,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<void> {
  const { bootId } = await host.metrics.facts();
  const modprobe = must(await host.exec.find("modprobe"), "modprobe");
  const argv = [modprobe, "--all", "nvidia", "nvidia_uvm"];
  const unit = { name: MODULE, description: "Fettle: the NVIDIA modules", argv, properties: { RuntimeMaxSec: 120 } };
  const { lines } = await follow(host, unit, signal, reporter);
  kept.set(MODULE_SAID, (lines.findLast((line) => /^modprobe: /.test(line)) ?? "").slice(0, 300));
  kept.set(TRIED, bootId);
}
