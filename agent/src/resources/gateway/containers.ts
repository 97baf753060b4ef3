import { hostPort, isUnspecified } from "@fettle/shared/lib/address.ts";
import { GATEWAY_CONTAINER } from "@fettle/shared/roles/gateway.ts";
import type { Container, ListedContainer } from "../../clients/engine/container.ts";
import type { EngineClient } from "../../clients/engine/engine.ts";
import type { Host } from "../../system/host.ts";
import type { Pass } from "../resource.ts";
import { LABEL_ROLE, NEXT, PREVIOUS } from "./names.ts";

/** The containers under the gateway's names, and all others. */
export interface Found {
  readonly current: ListedContainer | null;
  readonly next: ListedContainer | null;
  readonly previous: ListedContainer | null;
  readonly others: readonly ListedContainer[];
}

const OWN_NAMES: ReadonlySet<string> = new Set([GATEWAY_CONTAINER, NEXT, PREVIOUS]);

export async function findContainers(engine: EngineClient, pass: Pass, signal: AbortSignal): Promise<Found> {
  const all = await pass.once("engine:containers", () => engine.containers.list(signal));
  const named = (name: string) => all.find(({ Names }) => Names.includes(`/${name}`)) ?? null;
  return {
    current: named(GATEWAY_CONTAINER),
    next: named(NEXT),
    previous: named(PREVIOUS),
    others: all.filter(({ Names }) => !Names.some((name) => OWN_NAMES.has(name.slice(1)))),
  };
}

/** The container that is to run; null when there is none, or when it is somebody else's. */
export function currentContainer(engine: EngineClient, pass: Pass, signal: AbortSignal): Promise<Container | null> {
  return pass.once("engine:current", async () => {
    const { current } = await findContainers(engine, pass, signal);
    if (current === null || !isOurs(current)) return null;
    return engine.containers.inspect(current.Id, signal);
  });
}

export function isOurs({ Labels }: Pick<ListedContainer, "Labels">): boolean {
  return Labels?.[LABEL_ROLE] === "gateway";
}

/** How a container came to be, as far as it tells. */
export function startedBy({ Labels }: ListedContainer): string {
  const { "com.docker.compose.project": project, "com.docker.compose.project.working_dir": folder } = Labels ?? {};
  if (project !== undefined) return `docker compose, project ${project}${folder ? ` in ${folder}` : ""}`;
  const swarm = Labels?.["com.docker.swarm.service.name"];
  return swarm === undefined ? "docker run or another program" : `Docker Swarm, service ${swarm}`;
}

export function nameOf({ Names, Id }: ListedContainer): string {
  return Names[0]?.slice(1) ?? Id.slice(0, 12);
}

/** Who else holds one of the ports, in words; null when they are free. Asked only while nothing of ours runs. */
export async function portHolder(
  host: Host,
  { others }: Found,
  address: string,
  ports: readonly number[],
): Promise<{ readonly at: string; readonly holder: string } | null> {
  for (const port of ports) {
    const at = hostPort(address, port);
    const container = others.find((one) => publishes(one, address, port));
    if (container)
      return { at, holder: `container ${nameOf(container)} (image ${container.Image}, by ${startedBy(container)})` };
    const listeners = (await host.net.listeners(port)).filter((one) => meets(one.address, address));
    const pid = listeners.find((one) => one.pid !== null)?.pid ?? null;
    if (pid !== null) return { at, holder: `${(await host.proc.command(pid)) ?? "a program"} (pid ${pid})` };
    if (listeners.length > 0) return { at, holder: "another program" };
  }
  return null;
}

function publishes({ State, Ports }: ListedContainer, address: string, port: number): boolean {
  if (State !== "running" && State !== "paused") return false;
  return (Ports ?? []).some(({ IP, PublicPort }) => PublicPort === port && meets(IP ?? "0.0.0.0", address));
}

function meets(listening: string, address: string): boolean {
  return listening === address || isUnspecified(listening);
}
