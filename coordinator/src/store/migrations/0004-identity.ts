import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const identity: Migration = {
  async up(db: Kysely<unknown>) {
    const columns = [
      ["instanceId", "text"],
      ["productUuid", "text"],
      ["roles", "text"],
      ["usedAt", "bigint"],
    ] as const;
    for (const [name, type] of columns) await db.schema.alterTable("identities").addColumn(name, type).execute();
    await db.schema
      .createTable("identity_cases")
      .addColumn("node", "text", (column) => column.primaryKey())
      .addColumn("stack", "text", (column) => column.notNull())
      .addColumn("kind", "text", (column) => column.notNull())
      .addColumn("at", "bigint", (column) => column.notNull())
      .addColumn("machines", "text", (column) => column.notNull())
      .addColumn("approved", "text")
      .addColumn("approvedAt", "bigint")
      .addColumn("approvedBy", "text")
      .execute();
  },
};
