import type { Hello } from "@fettle/shared/protocol/hello.ts";
import type { Peer } from "../hub/peer.ts";
import type { TakerParts } from "./parts.ts";
import { takeReport } from "./report.ts";

/** Stores who is there now, and the report that a hello carries. */
export async function takeHello(parts: TakerParts, peer: Peer, hello: Hello): Promise<void> {
  const now = parts.clock.now();
  await parts.store.nodes.hello(peer.node, {
    version: hello.version,
    capabilities: JSON.stringify(hello.capabilities),
    machineId: hello.machineId,
    bootId: hello.bootId,
    clockOffsetMs: Math.round(hello.wallMs - now),
    seenAt: now,
  });
  await takeReport(parts, peer, hello.report);
}
