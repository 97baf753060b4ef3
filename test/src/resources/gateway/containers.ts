import { GATEWAY_CONTAINER } from "@fettle/shared/roles/gateway.ts";
import type { Test } from "tap";
import { type Bench, type BenchOptions, makeBench } from "./bench.ts";

export const NEXT = `${GATEWAY_CONTAINER}-next`;
export const PREVIOUS = `${GATEWAY_CONTAINER}-previous`;

/** A gateway that runs as declared. */
export async function begin(t: Test, options: BenchOptions = {}): Promise<Bench> {
  const bench = await makeBench(t, options);
  await bench.converge();
  return bench;
}

/** null when there is none. */
export async function inspect({ docker }: Bench, name = GATEWAY_CONTAINER) {
  return docker
    .getContainer(name)
    .inspect()
    .catch(() => null);
}

/** Every container and its state. */
export async function names({ docker }: Bench): Promise<string[]> {
  return (await docker.listContainers({ all: true }))
    .map(({ Names, State }) => `${Names[0]?.slice(1)} ${State}`)
    .sort();
}

/** A declaration that wants another container. */
export function otherThan(url: string) {
  return { gitlabUrl: url } as const;
}
