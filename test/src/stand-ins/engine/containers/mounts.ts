/** Bind mounts, as both fields of the API ask for them. The stand-in has no filesystem of its own to mount into. */
import { existsSync, mkdirSync } from "node:fs";
import { badRequest } from "../errors.ts";
import { record, text } from "../json.ts";
import type { HostConfig } from "./config.ts";

export interface Mount {
  source: string;
  target: string;
  readOnly: boolean;
}

export function mountsOf(config: HostConfig): Mount[] {
  const binds = (config.Binds ?? []).map((bind) => {
    const [source = "", target = "", mode = ""] = bind.split(":");
    return { source, target, readOnly: mode.split(",").includes("ro") };
  });
  const mounts = (config.Mounts ?? []).map(record).map((one) => ({
    source: text(one.Source),
    target: text(one.Target),
    readOnly: one.ReadOnly === true,
  }));
  return [...binds, ...mounts];
}

/** A missing source is an error for `Mounts`, and for `Binds` a folder that the Engine makes. */
export function checkMounts(config: HostConfig, hostPath: (path: string) => string): void {
  for (const one of (config.Mounts ?? []).map(record)) {
    const source = text(one.Source);
    if (one.Type !== "bind" || !existsSync(hostPath(source))) throw badMount(text(one.Type), source);
  }
  for (const { source, target } of mountsOf({ ...config, Mounts: [] })) {
    if (!source.startsWith("/") || !target.startsWith("/")) {
      throw badRequest(`invalid volume specification: '${source}:${target}'`);
    }
    mkdirSyncIfAbsent(hostPath(source));
  }
}

function badMount(type: string, source: string): Error {
  if (type !== "bind") return badRequest(`invalid mount config for type "${type}": the stand-in mounts only "bind"`);
  return badRequest(`invalid mount config for type "bind": bind source path does not exist: ${source}`);
}

function mkdirSyncIfAbsent(path: string): void {
  if (!existsSync(path)) mkdirSync(path, { recursive: true });
}

/** Where a path of the container lies on this machine; undefined when it is in no mount. */
export function throughMounts(path: string, mounts: readonly Mount[]): string | undefined {
  const mount = mounts.find(({ target }) => path === target || path.startsWith(`${target}/`));
  return mount === undefined ? undefined : mount.source + path.slice(mount.target.length);
}
