import type { Cloud } from "@fettle/coordinator/cli/cloud-init/machines.ts";

export type Size = { gib: number; gpu?: string };

/**
 * What the clouds' own tables of machine types say, copied by hand and apart from those that the command is made from:
 * "Amazon EC2 instance types" and "Machine families resource and comparison guide". N1 gets its card attached.
 */
export const sizes: Record<Cloud, Record<string, Size>> = {
  aws: {
    "t3.large": { gib: 8 },
    "c6i.xlarge": { gib: 8 },
    "c6i.2xlarge": { gib: 16 },
    "c6i.4xlarge": { gib: 32 },
    "g4dn.xlarge": { gib: 16, gpu: "T4" },
    "g4dn.2xlarge": { gib: 32, gpu: "T4" },
    "g4dn.4xlarge": { gib: 64, gpu: "T4" },
  },
  gcp: {
    "e2-standard-2": { gib: 8 },
    "c2-standard-4": { gib: 16 },
    "c2-standard-8": { gib: 32 },
    "n1-standard-8": { gib: 30, gpu: "T4" },
    "n1-standard-16": { gib: 60, gpu: "T4" },
  },
};
