import * as z from "zod";
import type { Host } from "../../system/host.ts";
import type { GitlabAccess } from "./access.ts";
import { SEATS } from "./documents.ts";
import { query } from "./graphql.ts";
import type { GitlabSchema } from "./schema.ts";
import { nextOf, unexpected } from "./state.ts";

const PAGES = 10;
const users = z.object({
  selfManagedAddOnEligibleUsers: z
    .object({
      nodes: z.array(
        z.object({
          id: z.string(),
          username: z.string(),
          addOnAssignments: z
            .object({ nodes: z.array(z.object({ addOnPurchase: z.object({ id: z.string() }).nullish() })) })
            .nullish(),
        }),
      ),
      pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() }),
    })
    .nullish(),
});

export interface SeatHolder {
  readonly id: string;
  readonly seated: boolean;
}

/** The user who may have a seat of this purchase; null when nobody of that name may. */
export async function seatHolder(
  host: Host,
  access: GitlabAccess,
  schema: GitlabSchema,
  wanted: { readonly user: string; readonly addOn: string; readonly purchase: string },
  signal: AbortSignal,
): Promise<SeatHolder | null> {
  const variables = { addOn: wanted.addOn, purchases: [wanted.purchase], search: wanted.user };
  let after: string | null = null;
  // The search finds parts of names too, so that a short name may stand on a later page.
  for (let page = 0; page < PAGES; page += 1) {
    const parsed = users.safeParse(await query(host, access, SEATS, { ...variables, after }, signal));
    if (!parsed.success) throw unexpected("who may have a seat", schema, parsed.error);
    const found = parsed.data.selfManagedAddOnEligibleUsers;
    const user = found?.nodes.find(({ username }) => username === wanted.user);
    if (user) return { id: user.id, seated: (user.addOnAssignments?.nodes ?? []).length > 0 };
    after = nextOf(found?.pageInfo);
    if (after === null) return null;
  }
  return null;
}
