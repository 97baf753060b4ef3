import { networkInterfaces } from "node:os";
import type { Connection, Listener, Net } from "../net.ts";
import { probe } from "./probe.ts";
import { allPids, linkInProc, listProc, readProc, readProcWhile } from "./proc-fs.ts";
import type { SocketRow } from "./socket-table.ts";
import { ESTABLISHED, LISTEN, parseSockets } from "./socket-table.ts";
import { lookAtCertificate } from "./tls-peer.ts";

export const realNet: Net = { probe, listeners, connections, addresses, tls: lookAtCertificate };

async function listeners(port?: number): Promise<readonly Listener[]> {
  const rows = TABLES.flatMap((table) => parseSockets(readProcWhile(`/proc/net/${table}`, isListening), LISTEN, port));
  const holders = port === undefined ? new Map<string, number>() : holdersOf(rows);
  return rows.map(({ localAddress, localPort, inode }) => {
    return { address: localAddress, port: localPort, pid: holders.get(inode) ?? null };
  });
}

async function connections(port: number, pid?: number): Promise<readonly Connection[]> {
  const of = pid === undefined ? "/proc/net" : `/proc/${pid}/net`;
  const rows = TABLES.flatMap((table) => parseSockets(readProc(`${of}/${table}`) ?? "", ESTABLISHED, port));
  return rows.map(({ localAddress, localPort, remoteAddress, remotePort }) => {
    return { localAddress, localPort, remoteAddress, remotePort };
  });
}

async function addresses(): Promise<readonly string[]> {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const wanted = all.filter(({ internal, address }) => !internal && !LINK_LOCAL.test(address));
  return [...new Set(wanted.map(({ address }) => address))];
}

const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:)/i;

const TABLES = ["tcp", "tcp6"];

/**
 * The kernel lists what listens before all else (net/ipv4/tcp_ipv4.c, tcp_get_idx), and makes each line when it is
 * read: to stop there spares it the walk through the table of connections, some milliseconds each time.
 */
function isListening(line: string): boolean {
  return HEAD.test(line) || line.includes(LISTENS);
}

const HEAD = /^\s*sl\b/;
const LISTENS = " 0A ";

/** Which process has a socket open, by inode; of several (a parent and its workers) the first, which is the oldest. */
function holdersOf(rows: readonly SocketRow[]): Map<string, number> {
  const wanted = new Map(rows.map(({ inode }) => [`socket:[${inode}]`, inode]));
  const found = new Map<string, number>();
  for (const pid of allPids()) {
    for (const fd of listProc(`/proc/${pid}/fd`)) {
      const inode = wanted.get(linkInProc(`/proc/${pid}/fd/${fd}`) ?? "");
      if (inode !== undefined && !found.has(inode)) found.set(inode, pid);
    }
    if (found.size === wanted.size) break;
  }
  return found;
}
