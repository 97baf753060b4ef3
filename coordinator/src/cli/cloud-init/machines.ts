import { roleNamed } from "@fettle/shared/roles/roles.ts";

export const CLOUDS = ["aws", "gcp"] as const;
export type Cloud = (typeof CLOUDS)[number];

export interface Machine {
  readonly type: string;
  readonly memoryBytes: number;
  readonly gpu: boolean;
}

const GIB = 2 ** 30;
const machine = (type: string, gib: number, gpu = false): Machine => ({ type, memoryBytes: gib * GIB, gpu });

/**
 * From small to large. The guide's own are in it: c6i.xlarge, g4dn.xlarge; c2-standard-4. Its t2.medium and e2-medium (4 GB)
 * are below what the gateway needs, its n1-standard-4 (15 GB) below Ollama's 16 GB: the next that is enough is taken.
 */
export const MACHINES: Readonly<Record<Cloud, readonly Machine[]>> = {
  aws: [
    machine("t3.large", 8),
    machine("c6i.xlarge", 8),
    machine("c6i.2xlarge", 16),
    machine("c6i.4xlarge", 32),
    machine("g4dn.xlarge", 16, true),
    machine("g4dn.2xlarge", 32, true),
    machine("g4dn.4xlarge", 64, true),
  ],
  gcp: [
    machine("e2-standard-2", 8),
    machine("c2-standard-4", 16),
    machine("c2-standard-8", 32),
    machine("n1-standard-8", 30, true),
    machine("n1-standard-16", 60, true),
  ],
};

/** What a GitLab needs beside memory: the small types of these clouds slow down when their credit is used up. */
const SHARED_CPU = new Set(["t3.large", "e2-standard-2"]);

/** The firmware's and the kernel's part of a machine's memory, at most. */
const USABLE = 0.96;

export interface Size {
  readonly machine: Machine;
  readonly diskGb: number;
}

/** The smallest machine and disk that are enough for all of these roles at once. */
export function sizeFor(cloud: Cloud, roles: readonly string[]): Size {
  const hosts = roles.flatMap((name) => roleNamed(name)?.host ?? []);
  const memory = hosts.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  const disk = hosts.reduce((sum, { diskBytes }) => sum + diskBytes, 0);
  const gpu = roles.includes("ollama");
  const steady = roles.includes("gitlab");
  const enough = MACHINES[cloud].filter((each) => each.gpu === gpu && !(steady && SHARED_CPU.has(each.type)));
  const found = enough.find(({ memoryBytes }) => memoryBytes * USABLE >= memory) ?? enough.at(-1);
  if (found === undefined) throw new Error(`impossible: no machine of ${cloud} for ${roles.join(", ")}`);
  return { machine: found, diskGb: Math.ceil(disk / 1e9) };
}
