import * as z from "zod";
import type { EngineCaller } from "./call.ts";
import { type Container, type ContainerOrder, container, type ListedContainer, listedContainers } from "./container.ts";
import { EngineError } from "./engine-error.ts";

export interface Containers {
  /** All, also those that do not run. */
  list(signal?: AbortSignal): Promise<readonly ListedContainer[]>;
  /** By name or id; null when there is none. */
  inspect(name: string, signal?: AbortSignal): Promise<Container | null>;
  /** Resolves with the id; nothing runs yet. */
  create(name: string, order: ContainerOrder): Promise<string>;
  /** One that runs already is fine. */
  start(id: string): Promise<void>;
  /** SIGTERM, after `seconds` SIGKILL; one that does not run is fine. */
  stop(id: string, seconds: number): Promise<void>;
  restart(id: string, seconds: number): Promise<void>;
  unpause(id: string): Promise<void>;
  rename(id: string, name: string): Promise<void>;
  /** Ends it when it runs; one that is gone is fine. */
  remove(id: string): Promise<void>;
  setRestartPolicy(id: string, name: string): Promise<void>;
}

const created = z.object({ Id: z.string() });
/** A start can wait for mounts and the network; the Engine answers when the process runs. */
const START_MS = 60_000;
/** What stopping may take beyond the patience that it was given. */
const SPARE_MS = 20_000;

export function containersOf(caller: EngineCaller): Containers {
  const post = async (path: string, query: Record<string, string> = {}, deadlineMs = START_MS): Promise<void> => {
    await caller.json({ method: "POST", path, query, deadlineMs });
  };
  const patience = (seconds: number): [Record<string, string>, number] => [
    { t: String(seconds) },
    seconds * 1_000 + SPARE_MS,
  ];
  return {
    list: async (signal) =>
      listedContainers.parse(await caller.json({ path: "/containers/json", query: { all: "1" }, signal })),
    inspect: (name, signal) =>
      unlessAbsent(async () => container.parse(await caller.json({ path: `/containers/${name}/json`, signal }))),
    create: async (name, order) =>
      created.parse(
        await caller.json({
          method: "POST",
          path: "/containers/create",
          query: { name },
          body: order,
          deadlineMs: START_MS,
        }),
      ).Id,
    start: (id) => post(`/containers/${id}/start`),
    stop: (id, seconds) => post(`/containers/${id}/stop`, ...patience(seconds)),
    restart: (id, seconds) => post(`/containers/${id}/restart`, { t: String(seconds) }, seconds * 1_000 + START_MS),
    unpause: (id) => post(`/containers/${id}/unpause`),
    rename: (id, name) => post(`/containers/${id}/rename`, { name }),
    remove: async (id) => {
      await unlessAbsent(() =>
        caller.json({ method: "DELETE", path: `/containers/${id}`, query: { force: "1" }, deadlineMs: START_MS }),
      );
    },
    setRestartPolicy: async (id, name) => {
      const body = { RestartPolicy: { Name: name } };
      await caller.json({ method: "POST", path: `/containers/${id}/update`, body });
    },
  };
}

/** null for a 404. */
export async function unlessAbsent<T>(act: () => Promise<T>): Promise<T | null> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return null;
    throw error;
  }
}
