import { join, resolve } from "node:path";
import type { Mirror } from "./apt.ts";
import { LabError } from "./lab-error.ts";
import type { Subnet } from "./subnet.ts";
import { parseSubnet } from "./subnet.ts";

export type Base = "auto" | "ubuntu" | "debootstrap";
export type LabConfig = {
  /** Part of the name of everything that the lab makes, so that several labs stand beside each other. */
  name: string;
  subnet: Subnet;
  base: Base;
  /** Another distribution than this machine's for debootstrap; null: this machine's own. */
  mirror: Mirror | null;
  /** What belongs to this lab alone: keys, images served, state. */
  folder: string;
  /** What the labs of this checkout share: the engine's log, built layers. */
  shared: string;
};

export type LabOptions = { name?: string | undefined; subnet?: string | undefined; base?: string | undefined };

/**
 * Options win over the environment (FETTLE_LAB_NAME, FETTLE_LAB_SUBNET, FETTLE_LAB_BASE), which wins over defaults.
 * FETTLE_LAB_MIRROR="URL SUITE COMPONENT…" makes the hosts of that distribution, as in a line of sources.list.
 */
export function readConfig(options: LabOptions, env: NodeJS.ProcessEnv): LabConfig {
  const name = options.name ?? env.FETTLE_LAB_NAME ?? "lab";
  if (!/^[a-z0-9][a-z0-9-]{0,20}$/.test(name)) throw new LabError("lab.name.invalid", `${name} is no name for a lab`);
  const shared = resolve(import.meta.dirname, "../../../.lab");
  return {
    name,
    subnet: parseSubnet(options.subnet ?? env.FETTLE_LAB_SUBNET ?? "172.31.11.0/24"),
    base: readBase(options.base ?? env.FETTLE_LAB_BASE ?? (env.FETTLE_LAB_MIRROR ? "debootstrap" : "auto")),
    mirror: readMirror(env.FETTLE_LAB_MIRROR ?? ""),
    folder: join(shared, name),
    shared,
  };
}

function readBase(text: string): Base {
  if (text === "auto" || text === "ubuntu" || text === "debootstrap") return text;
  throw new LabError("lab.base.invalid", `${text} is none of auto, ubuntu, debootstrap`);
}

function readMirror(text: string): Mirror | null {
  if (text === "") return null;
  const [url = "", suite = "", ...components] = text.trim().split(/\s+/);
  if (/^https?:/.test(url) && suite !== "" && components.length > 0) return { url, suite, components };
  throw new LabError("lab.mirror.invalid", `${text} is not URL SUITE COMPONENT…, as after "deb" in a sources.list`);
}
