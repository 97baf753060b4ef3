import { GATEWAY_CONTAINER, GATEWAY_PORT } from "@fettle/shared/roles/gateway.ts";
import { answers } from "../outside-look.ts";
import type { Drift } from "./drift.ts";

/** `docker stop` on the gateway's machine. */
export const containerStopped: Drift = {
  name: "gateway container stopped",
  node: "gateway-1",
  resources: ["gateway.container"],
  async make({ gateway }) {
    await gateway.run(["docker", "stop", "--time", "5", GATEWAY_CONTAINER]);
    // Also of a container that runs again: when it last ended.
    const at = await gateway.run(["docker", "inspect", "--format", "{{.State.FinishedAt}}", GATEWAY_CONTAINER]);
    return Date.parse(at);
  },
  healed: (lab) => answers(lab, `http://${lab.gateway.address}:${GATEWAY_PORT}/monitoring/healthz`),
};
