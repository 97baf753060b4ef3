import type { GitlabModel } from "@fettle/shared/roles/gitlab.ts";
import type { ModelRecord } from "../../clients/gitlab/state.ts";

/** Which record in GitLab is a declared model. */
export type Match =
  /** `other` holds the declared name and is another record. */
  | { readonly kind: "ours"; readonly record: ModelRecord; readonly other: ModelRecord | null }
  | { readonly kind: "none"; readonly other: ModelRecord | null }
  | { readonly kind: "several"; readonly records: readonly ModelRecord[] };

/**
 * By the id that is remembered, then by endpoint and identifier together; a record with only the same name is
 * somebody else's, and of several none is chosen.
 */
export function matchOf(records: readonly ModelRecord[], wanted: GitlabModel, rememberedId: string | null): Match {
  const remembered = records.find(({ id }) => id === rememberedId);
  const same = records.filter((record) => isSame(record, wanted));
  if (!remembered && same.length > 1) return { kind: "several", records: same };
  const record = remembered ?? same[0];
  const other = records.find((one) => one.name === wanted.displayName && one.id !== record?.id) ?? null;
  return record ? { kind: "ours", record, other } : { kind: "none", other };
}

/** The records that lead to a declared model, the one with its name first. */
export function leadingTo(records: readonly ModelRecord[], wanted: GitlabModel): readonly ModelRecord[] {
  const same = records.filter((record) => isSame(record, wanted));
  return same.sort((a, b) => Number(b.name === wanted.displayName) - Number(a.name === wanted.displayName));
}

/** A slash at the endpoint's end makes no other endpoint. */
function isSame({ endpoint, identifier }: ModelRecord, wanted: GitlabModel): boolean {
  return bare(endpoint ?? "") === bare(wanted.endpoint) && identifier === wanted.identifier;
}

function bare(endpoint: string): string {
  return endpoint.replace(/\/+$/, "");
}
