import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const imageTracks: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable("image_tracks")
      .addColumn("stack", "text", (column) => column.notNull().references("stacks.stack"))
      .addColumn("revision", "bigint", (column) => column.notNull())
      .addColumn("track", "text", (column) => column.notNull())
      .addColumn("at", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("image_tracks_key", ["stack", "revision"])
      .execute();
  },
};
