/** An image as the API shows it: whole, and as a line of the list. */
import type { Json } from "../json.ts";
import { diffIdsOf, sizeOf, variablesOf } from "./definition.ts";
import type { LocalImage } from "./store.ts";

export function inspectedImage(
  { id, definition, tags, digests, created, tagged }: LocalImage,
  architecture: string,
): Json {
  const { cmd, exposedPorts = {}, labels = {}, user = "", workingDir = "" } = definition;
  return {
    Id: id,
    RepoTags: tags,
    RepoDigests: definition.ownManifest === true ? tags.map((tag) => `${tag.replace(/:[^:/]+$/, "")}@${id}`) : digests,
    Parent: "",
    Comment: "",
    Created: created,
    DockerVersion: "",
    Author: "",
    Config: {
      User: user,
      ExposedPorts: Object.fromEntries(Object.keys(exposedPorts).map((port) => [port, {}])),
      Env: variablesOf(definition),
      Cmd: cmd,
      WorkingDir: workingDir,
      Entrypoint: null,
      Volumes: null,
      OnBuild: null,
      Labels: labels,
    },
    Architecture: definition.architecture ?? architecture,
    Os: "linux",
    Size: sizeOf(definition),
    GraphDriver: { Data: {}, Name: "overlay2" },
    RootFS: { Type: "layers", Layers: diffIdsOf(definition) },
    Metadata: { LastTagTime: tagged },
  };
}

export function summarisedImage({ id, definition, tags, digests, created }: LocalImage, containers: number): Json {
  return {
    Id: id,
    ParentId: "",
    RepoTags: tags,
    RepoDigests: digests,
    Created: Math.floor(Date.parse(created) / 1000),
    Size: sizeOf(definition),
    SharedSize: -1,
    Labels: definition.labels ?? {},
    Containers: containers,
  };
}
