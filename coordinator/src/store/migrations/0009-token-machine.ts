import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const tokenMachine: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable("enrolment_tokens").addColumn("instanceId", "text").execute();
    await db.schema.alterTable("enrolment_tokens").addColumn("usedBy", "text").execute();
  },
};
