import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import type { AptLook, Offer } from "./apt-look.ts";
import type { DriverMachine } from "./machine.ts";

/** The distribution's driver for this machine, or why there is none. */
export type Choice =
  | {
      readonly kind: "packages";
      readonly branch: string;
      readonly names: readonly string[];
      readonly installed: boolean;
    }
  | { readonly kind: "none"; readonly code: Code; readonly args: CodeArgs };

export interface Wanted {
  /** The lowest branch, as in 550. */
  readonly floor: number;
  /** Of Ollama, for the texts. */
  readonly ollama: string;
}

const SERVER = /^nvidia-driver-(\d+)-server(-open)?$/;

/** What `apt-get install` is to be given. Looks at the package lists as they are on this machine. */
export async function choose(apt: AptLook, machine: DriverMachine, wanted: Wanted): Promise<Choice> {
  if (!(await apt.available())) return none("ollama.driver.no-apt", { floor: wanted.floor });
  const choice = machine.os === "debian" ? await onDebian(apt, machine, wanted) : await onUbuntu(apt, machine, wanted);
  if (choice.kind === "none") return choice;
  const held = await heldOf(apt, choice.names);
  if (held.length > 0) return none("ollama.driver.held", { problem: held.join(", ").slice(0, 300) });
  const installed = await apt.installed(choice.names);
  return { ...choice, installed: choice.names.every((name) => installed.has(name)) };
}

type Found = Choice | { readonly kind: "packages"; readonly branch: string; readonly names: readonly string[] };

function none(code: Code, args: CodeArgs): Extract<Choice, { kind: "none" }> {
  return { kind: "none", code, args };
}

async function heldOf(apt: AptLook, names: readonly string[]): Promise<string[]> {
  return [...(await apt.held())].filter((name) => names.includes(name) || /^(lib)?nvidia-/.test(name));
}

/** The newest server branch that names one of the cards, as `ubuntu-drivers --gpgpu` chooses. */
async function onUbuntu(apt: AptLook, machine: DriverMachine, { floor }: Wanted): Promise<Found> {
  const names = await apt.search("^nvidia-driver-[0-9]+-server(-open)?$");
  const offers = (await apt.offers(names))
    .map((offer) => ({ ...offer, branch: branchOf(offer) }))
    .filter(({ branch }) => branch >= floor)
    // Of one branch the proprietary modules first: the open ones do not know older cards.
    .sort((a, b) => b.branch - a.branch || a.name.length - b.name.length);
  const chosen = offers.find((offer) => isFor(offer, machine.cards));
  if (chosen === undefined) return none("ollama.driver.no-package", { floor });
  return await ubuntuPackages(apt, machine, String(chosen.branch), chosen.name.endsWith("-open") ? "-open" : "");
}

/** 0 for a package that only leads to another branch. */
function branchOf({ name, version }: Offer): number {
  const branch = SERVER.exec(name)?.[1] ?? "";
  return version.startsWith(`${branch}.`) ? Number(branch) : 0;
}

function isFor({ modaliases }: Offer, cards: readonly string[]): boolean {
  if (modaliases.length === 0) return true;
  return cards.some((card) => modaliases.some((pattern) => globMatches(pattern, card)));
}

function globMatches(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "i").test(text);
}

/** Without a screen's parts; with the distribution's signed modules where its kernel has them, else compiled here. */
async function ubuntuPackages(apt: AptLook, machine: DriverMachine, branch: string, open: string): Promise<Found> {
  const base = `${branch}-server${open}`;
  const utils = `nvidia-utils-${branch}-server`;
  const flavours = await kernelFlavours(apt);
  const modules = [...flavours, machine.kernel].map((kernel) => `linux-modules-nvidia-${base}-${kernel}`);
  const ready = await apt.candidates(modules);
  const prebuilt = modules.filter((name) => ready.has(name));
  if (prebuilt.length > 0)
    return { kind: "packages", branch, names: [`nvidia-headless-no-dkms-${base}`, utils, ...prebuilt] };
  return await compiled(apt, machine, { branch, names: [`nvidia-headless-${base}`, utils] });
}

/** As in `generic-hwe-24.04` or `aws`: what follows the kernel when it is updated. */
async function kernelFlavours(apt: AptLook): Promise<string[]> {
  const images = await apt.installed(["linux-image-*"]);
  return [...images]
    .map((name) => name.slice("linux-image-".length))
    .filter((flavour) => !/^(\d|unsigned)/.test(flavour));
}

async function onDebian(apt: AptLook, machine: DriverMachine, { floor, ollama }: Wanted): Promise<Found> {
  const [offer] = await apt.offers(["nvidia-driver"]);
  if (offer === undefined) return none("ollama.driver.non-free", {});
  const branch = /^(?:\d+:)?(\d+)\./.exec(offer.version)?.[1] ?? "0";
  if (Number(branch) < floor) {
    const found = offer.version;
    return none("ollama.driver.distribution-too-old", { found, floor, ollama, release: machine.release });
  }
  const more = ["nvidia-persistenced", "firmware-nvidia-gsp"];
  const offered = await apt.candidates(more);
  const names = ["nvidia-driver", "nvidia-smi", "libcuda1", ...more.filter((name) => offered.has(name))];
  return await compiled(apt, machine, { branch, names });
}

/** Its module is compiled on this machine, which takes the kernel's headers and no Secure Boot. */
async function compiled(
  apt: AptLook,
  { kernel, secureBoot }: DriverMachine,
  { branch, names }: { branch: string; names: readonly string[] },
): Promise<Found> {
  if (secureBoot)
    return none("ollama.driver.secure-boot", { kernel, problem: "the distribution has no signed module for it" });
  const headers = `linux-headers-${kernel}`;
  const known = await apt.candidates([headers]);
  if (!known.has(headers)) return none("ollama.driver.no-headers", { kernel });
  return { kind: "packages", branch, names: [headers, ...names] };
}
