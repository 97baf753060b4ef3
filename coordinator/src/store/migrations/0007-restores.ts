import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const restores: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable("restores")
      .addColumn("epoch", "bigint", (column) => column.primaryKey())
      .addColumn("madeAt", "bigint", (column) => column.notNull())
      .addColumn("restoredAt", "bigint", (column) => column.notNull())
      .execute();
  },
};
