import type { Net } from "@fettle/agent/system/net.ts";
import { realNet } from "@fettle/agent/system/real/net.ts";

const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** The machine is its address: sockets of other addresses on this computer are other machines'. */
export function sandboxNet(address: string): Net {
  return {
    probe: realNet.probe,
    tls: realNet.tls,
    addresses: async () => [address],
    listeners: async (port) => {
      const all = await realNet.listeners(port);
      return all.filter((one) => one.address === address || WILDCARDS.has(one.address));
    },
    connections: async (port) => {
      const all = await realNet.connections(port);
      return all.filter((one) => one.localAddress === address);
    },
  };
}
