import type { Host } from "../system/host.ts";

/** The protocol clients, made once from the host. */
export interface Clients {
  readonly host: Host;
}
