import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Metrics } from "@fettle/agent/system/metrics.ts";
import { realMetrics } from "@fettle/agent/system/real/metrics.ts";

/** This computer's numbers under the machine's own identity. */
export function sandboxMetrics(root: string): Metrics {
  return {
    load: realMetrics.load,
    disks: realMetrics.disks,
    facts: async () => ({
      ...(await realMetrics.facts()),
      hostname: `${basename(dirname(root))}.${hostname()}`,
      machineId: readFileSync(join(root, "etc/machine-id"), "utf8").trim(),
      instanceId: "",
      productUuid: "",
    }),
  };
}
