import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const updates: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable("updates")
      .addColumn("token", "text", (column) => column.primaryKey())
      .addColumn("stack", "text", (column) => column.notNull().references("stacks.stack"))
      .addColumn("version", "text", (column) => column.notNull())
      .addColumn("nodes", "text", (column) => column.notNull())
      .addColumn("by", "text", (column) => column.notNull())
      .addColumn("at", "bigint", (column) => column.notNull())
      .addColumn("cancelledAt", "bigint")
      .execute();
    await db.schema.createIndex("updates_of").on("updates").columns(["stack", "at"]).execute();
  },
};
