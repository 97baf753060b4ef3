import { readFileSync } from "node:fs";
import type { Net } from "@fettle/agent/system/net.ts";
import { realNet } from "@fettle/agent/system/real/net.ts";
import { linkInProc, listProc } from "@fettle/agent/system/real/proc-fs.ts";
import { ESTABLISHED, parseSockets } from "@fettle/agent/system/real/socket-table.ts";

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
    // All machines connect from 127.0.0.1 here, so the agent's own connections are known by its sockets.
    connections: async (port) => {
      const own = ownEnds();
      const all = await realNet.connections(port);
      return all.filter((one) => one.localAddress === address && !own.has(`${one.remoteAddress}:${one.remotePort}`));
    },
  };
}

function ownEnds(): Set<string> {
  const fds = listProc("/proc/self/fd").map((fd) => linkInProc(`/proc/self/fd/${fd}`));
  const inodes = new Set(fds.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link ?? "")?.[1] ?? []));
  const rows = parseSockets(readFileSync("/proc/net/tcp", "utf8"), ESTABLISHED);
  return new Set(rows.filter(({ inode }) => inodes.has(inode)).map((row) => `${row.localAddress}:${row.localPort}`));
}
