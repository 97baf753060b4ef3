import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const uninstalled: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable("nodes").addColumn("uninstalledAt", "bigint").execute();
  },
};
