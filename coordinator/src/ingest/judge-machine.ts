import { FettleError } from "@fettle/shared/lib/errors.ts";
import { caseNote, isApproved, machinesText } from "@fettle/shared/lib/identity-case.ts";
import { type Machine, machineDifference, machineOf } from "@fettle/shared/protocol/machine.ts";
import type { Peer } from "../hub/peer.ts";
import type { IdentityRow } from "../store/identities.ts";
import type { IdentityCaseRow } from "../store/identity-cases.ts";
import type { TakerParts } from "./parts.ts";

/**
 * Holds the machine that came against the one that its identity was made for, and against another that is here with
 * the same one. What differs is noted for a person, and the node only observes from then on; of two at once the second
 * is refused. Once a person has named a machine no other is let in, and the case ends when that one shows the
 * certificate that was made for it. Throws `identity.duplicate`.
 */
export async function judgeMachine(
  parts: TakerParts,
  peer: Peer,
  machine: Machine,
  other: Machine | null,
): Promise<void> {
  const { store } = parts;
  const identity = await store.identities.get(peer.identity ?? "");
  if (identity === undefined) throw new FettleError("identity.unknown");
  const found = await store.identityCases.get(peer.node);
  const moved = machineDifference(machineOf(identity), machine) !== null;
  if (found !== undefined && found.approved !== null) return await afterWord(parts, found, identity, machine);
  if (found?.kind === "expired" && !moved && other === null) return await store.identityCases.remove(peer.node);
  if (found === undefined && !moved && other === null) return;
  const row = await note(parts, peer, identity, machine, other);
  parts.touch(peer.node);
  if (other !== null) throw new FettleError("identity.duplicate", { node: peer.node, machines: machinesText(row) });
}

async function afterWord(
  { store, clock }: TakerParts,
  found: IdentityCaseRow,
  identity: IdentityRow,
  machine: Machine,
): Promise<void> {
  const { node } = found;
  if (!isApproved(found, machine)) throw new FettleError("identity.duplicate", { node, machines: machinesText(found) });
  const isNew = identity.issuedAt >= (found.approvedAt ?? clock.now());
  if (isNew && machineDifference(machineOf(identity), machine) === null) await store.identityCases.remove(node);
}

async function note(
  { store, clock, events }: TakerParts,
  { node, stack }: Peer,
  identity: IdentityRow,
  machine: Machine,
  other: Machine | null,
): Promise<IdentityCaseRow> {
  const at = clock.now();
  const machines = [
    { ...machineOf(identity), seenAt: null },
    { ...machine, seenAt: at },
    ...(other === null ? [] : [{ ...other, seenAt: at }]),
  ];
  const kind = other === null ? "moved" : "duplicate";
  const { row, fresh } = await store.write((queries) =>
    queries.identityCases.note({ node, stack, kind, machines, at }),
  );
  if (!fresh) return row;
  const { code, severity, text } = caseNote(row);
  const data = { machines: JSON.parse(row.machines) };
  await events.record({ node, stack, kind: "node.frozen", code, severity, text, data });
  return row;
}
