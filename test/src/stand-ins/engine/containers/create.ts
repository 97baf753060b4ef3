/** A container from a request. Nothing of it exists when this throws. */
import { ZERO_TIME } from "../clock.ts";
import { badRequest } from "../errors.ts";
import { newId } from "../ids.ts";
import type { LocalImage } from "../images/store.ts";
import { type Json, record } from "../json.ts";
import { containerConfig, hostConfig } from "./config.ts";
import { checkMounts } from "./mounts.ts";
import type { ContainerRecord } from "./record.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export function checkName(name: string): void {
  if (!NAME.test(name)) {
    throw badRequest(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
}

export function newContainer(
  name: string,
  body: Json,
  image: LocalImage,
  { now, hostPath }: { now: string; hostPath: (path: string) => string },
): ContainerRecord {
  const id = newId();
  const chosen = name === "" ? `stand_in_${id.slice(0, 8)}` : name;
  checkName(chosen);
  if (record(body.Healthcheck).Test !== undefined) throw badRequest("the stand-in runs no health checks");
  const host = hostConfig(record(body.HostConfig));
  checkMounts(host, hostPath);
  return {
    id,
    name: chosen,
    created: now,
    imageId: image.id,
    config: containerConfig(body, id, image.definition),
    host,
    state: {
      status: "created",
      pid: 0,
      pidStart: "",
      exitCode: 0,
      error: "",
      oomKilled: false,
      startedAt: ZERO_TIME,
      finishedAt: ZERO_TIME,
    },
    restartCount: 0,
    manuallyStopped: false,
    ports: {},
  };
}
