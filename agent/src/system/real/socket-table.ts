import type { Connection } from "../net.ts";

/** Lines of /proc/net/tcp and tcp6, addresses as people write them. */
export interface SocketRow extends Connection {
  readonly state: number;
  readonly inode: string;
}

export const ESTABLISHED = 0x01;
export const LISTEN = 0x0a;

/** The rows in one state, and with one local port when it is given. */
export function parseSockets(table: string, state: number, localPort?: number): readonly SocketRow[] {
  const wantedState = ` ${hex(state, 2)} `;
  const wantedPort = localPort === undefined ? "" : `:${hex(localPort, 4)} `;
  const rows: SocketRow[] = [];
  for (const line of table.split("\n").slice(1)) {
    // A busy machine has thousands of lines: most are told apart before they are taken to pieces.
    if (!line.includes(wantedState) || !line.includes(wantedPort)) continue;
    const row = parseRow(line);
    if (row?.state === state && (localPort === undefined || row.localPort === localPort)) rows.push(row);
  }
  return rows;
}

function parseRow(line: string): SocketRow | null {
  const fields = line.trim().split(/\s+/);
  const [, local = "", remote = "", state = "", , , , , , inode = ""] = fields;
  if (inode === "") return null;
  const [localAddress, localPort] = parseEnd(local);
  const [remoteAddress, remotePort] = parseEnd(remote);
  return { localAddress, localPort, remoteAddress, remotePort, state: Number.parseInt(state, 16), inode };
}

function parseEnd(text: string): [string, number] {
  const [address = "", port = "0"] = text.split(":");
  return [address.length === 8 ? ipv4(address) : ipv6(address), Number.parseInt(port, 16)];
}

/** The kernel prints each 32 bits of an address in the machine's byte order, which is little-endian on x64 and arm64. */
function ipv4(word: string): string {
  return bytes(word).join(".");
}

function bytes(word: string): readonly number[] {
  return [6, 4, 2, 0].map((at) => Number.parseInt(word.slice(at, at + 2), 16));
}

const MAPPED = "0000000000000000FFFF0000";

function ipv6(words: string): string {
  // A v4 peer of a socket that serves both is shown as ::ffff:a.b.c.d; it is the v4 address that people mean.
  if (words.startsWith(MAPPED)) return ipv4(words.slice(MAPPED.length));
  const all = [0, 8, 16, 24].flatMap((at) => bytes(words.slice(at, at + 8)));
  const groups = Array.from({ length: 8 }, (_, i) => (((all[2 * i] ?? 0) << 8) | (all[2 * i + 1] ?? 0)).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

function hex(value: number, width: number): string {
  return value.toString(16).toUpperCase().padStart(width, "0");
}
