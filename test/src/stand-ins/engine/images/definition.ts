/**
 * What an image is to the stand-in: its declared facts, and what running it means on this machine. Read from a JSON
 * file, a list of these: the images that can be pulled.
 */
import { createHash } from "node:crypto";
import { hashOf } from "../ids.ts";

/** The variables by which a program learns where to listen; it then binds the published address itself. */
export interface PortMapping {
  hostEnv?: string;
  portEnv?: string;
}

export interface ImageDefinition {
  reference: string;
  /** The manifest's digest, `sha256:…`; another one under the same tag is a re-published image. */
  digest?: string;
  id?: string;
  /** Bytes of each layer as it is downloaded. */
  layers?: number[];
  /** Bytes on disk. */
  size?: number;
  env?: Record<string, string>;
  /** An absolute path, or a name of `programs`, and its arguments. */
  cmd: string[];
  exposedPorts?: Record<string, PortMapping>;
  labels?: Record<string, string>;
  architecture?: string;
  user?: string;
  workingDir?: string;
  /** What a name in the container's PATH is on this machine. `curl` and `cat` are there without saying. */
  programs?: Record<string, string[]>;
  /** Paths in the container's filesystem and the files of this machine behind them. */
  files?: Record<string, string>;
  /** Given to the container's process alone: no inspection shows it. */
  processEnv?: Record<string, string>;
  /** There from the start, without a pull. */
  local?: boolean;
  /** Its id is the digest of a manifest that the Engine made for it, as one with the containerd store does at a load. */
  ownManifest?: boolean;
}

export function digestOf(definition: ImageDefinition): string {
  const { digest, reference, cmd, env, layers } = definition;
  return digest ?? `sha256:${hashOf("manifest", reference, cmd, env, layers)}`;
}

export function imageIdOf(definition: ImageDefinition): string {
  return definition.id ?? `sha256:${createHash("sha256").update(configOf(definition)).digest("hex")}`;
}

/** What an image's id is the hash of. */
export function configOf(definition: ImageDefinition): string {
  const { architecture = "amd64", cmd, user = "", workingDir = "" } = definition;
  const config = { User: user, Env: variablesOf(definition), Cmd: cmd, WorkingDir: workingDir };
  const rootfs = { type: "layers", diff_ids: diffIdsOf(definition) };
  return JSON.stringify({ architecture, os: "linux", config, rootfs, manifest: digestOf(definition) });
}

export function variablesOf({ env = {} }: ImageDefinition): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

export function diffIdsOf(definition: ImageDefinition): string[] {
  return layersOf(definition).map(({ id }) => `sha256:${id.padEnd(64, "0")}`);
}

export function layersOf(definition: ImageDefinition): { id: string; bytes: number }[] {
  const sizes = definition.layers ?? [definition.size ?? 1_048_576];
  return sizes.map((bytes, index) => ({ id: hashOf(digestOf(definition), index).slice(0, 12), bytes }));
}

export function sizeOf(definition: ImageDefinition): number {
  return definition.size ?? layersOf(definition).reduce((sum, { bytes }) => sum + bytes, 0);
}
