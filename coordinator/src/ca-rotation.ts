import { join } from "node:path";
import type { Report } from "@fettle/shared/protocol/report.ts";
import type { Context } from "./context.ts";
import { type Member, Rotation } from "./pki/rotation.ts";

type Parts = Pick<Context, "config" | "store" | "clock" | "logger" | "pki" | "events" | "reconciler">;

/** The rotation of this coordinator's CA, over the nodes of all its stacks. */
export function caRotation(parts: Parts): Rotation {
  const { config, pki, clock, logger } = parts;
  return new Rotation({
    folder: join(config.paths.data, "pki"),
    pki,
    clock,
    members: () => membersOf(parts),
    onStep: (text) => {
      logger.info({ step: text }, "rotation of the CA");
      void tell(parts, text).catch((error: unknown) => logger.error({ err: error }, "rotation not told"));
    },
    onFailed: (error) => logger.error({ err: error }, "rotation of the CA stopped for now"),
  });
}

/** The nodes with a certificate that counts. */
async function membersOf({ store, clock }: Parts): Promise<Member[]> {
  const rows = await store.nodes.all();
  const members: Member[] = [];
  for (const { node } of rows) {
    if ((await store.identities.live(node, clock.now())).length === 0) continue;
    const row = await store.reports.get(node);
    const report = row === undefined ? null : (JSON.parse(row.body) as Report);
    members.push({ node, said: report?.agent ?? null });
  }
  return members;
}

async function tell({ store, events, reconciler }: Parts, text: string): Promise<void> {
  for (const { stack } of await store.stacks.all()) {
    await events.record({ stack, kind: "ca.rotation", text: `Rotation of the CA: ${text}.` });
    reconciler.touchAll(stack);
  }
}
