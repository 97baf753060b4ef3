import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Lab } from "../lab.ts";

/** Stands where the coordinator will, on the machine's address in the lab, as long as `work` runs. */
export async function withCoordinator(lab: Lab, work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((_request, response) => response.end("coordinator"));
  server.listen(0, lab.coordinator.address);
  await once(server, "listening");
  try {
    await work(`http://${lab.coordinator.address}:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
