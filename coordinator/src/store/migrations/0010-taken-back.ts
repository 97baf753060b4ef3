import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const takenBack: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable("updates").addColumn("takenBackAt", "bigint").execute();
  },
};
