import type { Socket } from "node:dgram";
import { createSocket } from "node:dgram";

export type Zone = Record<string, string>;

const noSuchName = 3;

/** A name server of one zone of IPv4 addresses. Every other name does not exist: nothing in the lab asks the world. */
export function createNameServer(zone: Zone): Socket {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const answer = answerTo(query, zone);
    if (answer !== undefined) socket.send(answer, from.port, from.address);
  });
  return socket;
}

/** The answer to one query; undefined for what is none. A known name without an address of that type is empty. */
export function answerTo(query: Buffer, zone: Zone): Buffer | undefined {
  const question = readQuestion(query);
  if (question === undefined) return undefined;
  const address = zone[question.name.toLowerCase()];
  const isAddress = question.type === 1 && address !== undefined;
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8580 | (address === undefined ? noSuchName : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(isAddress ? 1 : 0, 6);
  const record = isAddress ? [addressRecord(address)] : [];
  return Buffer.concat([header, query.subarray(12, question.end), ...record]);
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } | undefined {
  const labels: string[] = [];
  let at = 12;
  while (at < query.length && query[at] !== 0) {
    const length = query[at] ?? 0;
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  if (query.length < at + 5) return undefined;
  return { name: labels.join("."), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** A pointer to the question's name, type A, class IN, 5 s to live, the four bytes. */
function addressRecord(address: string): Buffer {
  const bytes = address.split(".").map(Number);
  return Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, ...bytes]);
}
