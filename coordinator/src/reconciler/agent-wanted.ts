import { caseNote, type IdentityCase } from "@fettle/shared/lib/identity-case.ts";
import type { AgentWanted } from "@fettle/shared/protocol/agent-wanted.ts";
import type { ReconcilerParts } from "../context.ts";
import type { StackView } from "./stack-view.ts";
import { releaseFor } from "./updates.ts";
import type { NodeView } from "./world.ts";

/** What the agent of this node itself is to be. */
export async function agentWanted(parts: ReconcilerParts, node: string, view: StackView): Promise<AgentWanted> {
  const { release, token } = await releaseFor(parts, view, node);
  const found = view.cases.get(node);
  const renew = (found !== undefined && found.approved !== null) || isOfOldRoot(parts, view.views.get(node));
  return {
    release,
    token,
    roots: [...parts.pki.roots],
    renew,
    mirror: [...parts.mirror.items],
    frozen: frozenBy(found),
  };
}

/** Its certificate comes from the root that a rotation is about to drop. */
function isOfOldRoot({ pki }: ReconcilerParts, view: NodeView | undefined): boolean {
  const under = view?.report?.agent?.issuedUnder;
  return under !== undefined && pki.isGoing(under);
}

/** Until the right machine shows its own new certificate, whoever has the identity changes nothing. */
function frozenBy(found: IdentityCase | undefined): AgentWanted["frozen"] {
  if (found === undefined || found.kind === "expired") return null;
  const { code, text } = caseNote(found);
  return { code, reason: text };
}
