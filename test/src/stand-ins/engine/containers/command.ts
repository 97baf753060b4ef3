/** What an argv of the container is on this machine: which program, with which environment. */

import type { ImageDefinition } from "../images/definition.ts";
import { type Mount, mountsOf, throughMounts } from "./mounts.ts";
import { portEnvironment } from "./ports.ts";
import type { ContainerRecord } from "./record.ts";

export interface Command {
  argv: [string, ...string[]];
  env: Record<string, string>;
}

/** What every image has: programs by name, and files of this machine behind paths. */
export interface Common {
  programs: Record<string, string[]>;
  file: (path: string) => string | undefined;
  /** Where a path of the engine's machine lies on this one. */
  hostPath: (path: string) => string;
}

/** Undefined: there is no such program in the container's PATH. An absolute path is taken as it is, in `cmd` alone. */
export function mainCommand(container: ContainerRecord, image: ImageDefinition, common: Common): Command | undefined {
  const [name = "", ...args] = container.config.Cmd;
  const own = name.startsWith("/") && image.cmd[0] === name ? [name] : undefined;
  const program = own ?? image.programs?.[name] ?? common.programs[name];
  return commandOf(program, args, { ...environment(container, image, common), ...image.processEnv });
}

export function execCommand(
  container: ContainerRecord,
  image: ImageDefinition,
  common: Common,
  cmd: readonly string[],
  extraEnv: readonly string[],
): Command | undefined {
  const [name = "", ...args] = cmd;
  const mounts = mountsHere(container, common);
  const mapped = args.map((arg) => throughMounts(arg, mounts) ?? image.files?.[arg] ?? common.file(arg) ?? arg);
  const env = { ...environment(container, image, common), ...substituted(pairs(extraEnv), mounts) };
  return commandOf(image.programs?.[name] ?? common.programs[name], mapped, env);
}

function commandOf(program: string[] | undefined, args: string[], env: Record<string, string>): Command | undefined {
  const [file, ...rest] = program ?? [];
  return file === undefined ? undefined : { argv: [file, ...rest, ...args], env };
}

/** A variable that names a mount's target is given the source instead: that is how the program finds a mounted file. */
function environment(container: ContainerRecord, image: ImageDefinition, common: Common): Record<string, string> {
  const env = substituted(pairs(container.config.Env), mountsHere(container, common));
  return { ...env, ...portEnvironment(container, image) };
}

function mountsHere({ host }: ContainerRecord, { hostPath }: Common): Mount[] {
  return mountsOf(host).map((mount) => ({ ...mount, source: hostPath(mount.source) }));
}

function substituted(env: [string, string][], mounts: readonly Mount[]): Record<string, string> {
  return Object.fromEntries(env.map(([name, value]) => [name, throughMounts(value, mounts) ?? value]));
}

function pairs(env: readonly string[]): [string, string][] {
  return env.map((one) => {
    const at = one.indexOf("=");
    return at < 0 ? [one, ""] : [one.slice(0, at), one.slice(at + 1)];
  });
}
