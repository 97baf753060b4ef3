import { canonical } from "@fettle/shared/lib/canonical.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { Container } from "../../clients/engine/container.ts";
import type { Image } from "../../clients/engine/images.ts";
import { LABEL_IMAGE, LABEL_SPEC } from "./names.ts";
import { LOG, mountsOf, portBindings, RESTART_POLICY, SECURITY, type Spec } from "./spec.ts";

/** What can be changed without another container. */
export const POLICY = "restart policy";

/**
 * What of a container is not as declared. The effective values are compared, since the label says only what its maker
 * meant. No value of a secret, and none of a variable that is not declared, is ever shown.
 */
export function differences(spec: Spec, found: Container, image: Image): Change[] {
  const { Config, HostConfig } = found;
  const changes = [
    ...imageChange(spec, found),
    ...environmentChanges(spec, found, image),
    ...hostChanges(spec, HostConfig),
  ];
  changes.push(
    ...differing(
      "command",
      [Config.Entrypoint ?? [], Config.Cmd ?? []],
      [image.Config?.Entrypoint ?? [], image.Config?.Cmd ?? []],
    ),
  );
  changes.push(...differing("user", Config.User, image.Config?.User ?? ""));
  const label = Config.Labels?.[LABEL_SPEC] ?? null;
  // Everything that can be seen is right: what differs then is the content of the CA bundle.
  if (changes.length === 0 && label !== spec.hash)
    changes.push({ what: "CA bundle", from: "another content", to: "the file's content" });
  return changes;
}

function imageChange(spec: Spec, { Image: id, Config }: Container): Change[] {
  if (id === spec.imageId) return [];
  return [{ what: "image", from: Config.Labels?.[LABEL_IMAGE] ?? Config.Image, to: spec.imageName }];
}

function environmentChanges(spec: Spec, { Config }: Container, image: Image): Change[] {
  const found = variables(Config.Env ?? []);
  const baked = variables(image.Config?.Env ?? []);
  const wanted = Object.entries(spec.env).flatMap(([name, value]) => {
    const now = found.get(name);
    if (now === value) return [];
    const shown = (text: string, otherwise: string) => (spec.secret.has(name) ? otherwise : text);
    const from = now === undefined ? null : shown(now, "another value");
    return [{ what: `env ${name}`, from, to: shown(value, "the declared value") }];
  });
  const extra = [...found].filter(([name, value]) => !Object.hasOwn(spec.env, name) && baked.get(name) !== value);
  return [...wanted, ...extra.map(([name]) => ({ what: `env ${name}`.slice(0, 200), from: "set", to: null }))];
}

function hostChanges(spec: Spec, host: Container["HostConfig"]): Change[] {
  const bindings = Object.entries(host.PortBindings ?? {}).filter(([, list]) => (list ?? []).length > 0);
  const mounts = [...(host.Mounts ?? []), ...(host.Binds ?? []), ...(host.VolumesFrom ?? [])];
  return [
    ...differing("ports", Object.fromEntries(bindings), portBindings(spec)),
    ...differing("mounts", mounts, mountsOf(spec)),
    ...differing(POLICY, host.RestartPolicy.Name, RESTART_POLICY),
    ...differing("security options", host.SecurityOpt ?? [], SECURITY),
    ...differing("log limits", { Type: host.LogConfig.Type, Config: host.LogConfig.Config ?? {} }, LOG),
    ...differing("privileged", host.Privileged, false),
    ...differing("capabilities", host.CapAdd ?? [], []),
    ...differing("devices", (host.Devices ?? []).length, 0),
    ...differing("network", host.NetworkMode === "bridge" ? "default" : host.NetworkMode, "default"),
    ...differing("process namespace", host.PidMode, ""),
  ];
}

function differing(what: string, found: unknown, wanted: unknown): Change[] {
  if (canonical(found) === canonical(wanted)) return [];
  return [{ what, from: shown(found), to: shown(wanted) }];
}

function shown(value: unknown): string {
  return (typeof value === "string" ? value || "none" : canonical(value)).slice(0, 300);
}

function variables(list: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    list.map((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}
