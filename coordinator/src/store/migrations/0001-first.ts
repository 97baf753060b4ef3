import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** Ids are text, times and sizes bigint, lists and objects JSON text; every table but `meta` carries its stack. */
export const first: Migration = {
  async up(db: Kysely<unknown>) {
    await meta(db);
    await stacks(db);
    await nodes(db);
    await tokens(db);
    await steering(db);
    await requests(db);
    await reported(db);
    await runs(db);
    await history(db);
    await metrics(db);
  },
};

async function meta(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("meta")
    .addColumn("key", "text", (column) => column.primaryKey())
    .addColumn("coordinatorId", "text", (column) => column.notNull())
    .addColumn("epoch", "bigint", (column) => column.notNull())
    .addColumn("incarnation", "text", (column) => column.notNull())
    .addColumn("createdAt", "bigint", (column) => column.notNull())
    .execute();
}

async function stacks(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("stacks")
    .addColumn("stack", "text", (column) => column.primaryKey())
    .addColumn("revision", "bigint", (column) => column.notNull())
    .addColumn("spec", "text", (column) => column.notNull())
    .addColumn("source", "text", (column) => column.notNull())
    .addColumn("updatedAt", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("revisions")
    .addColumn("stack", "text", (column) => column.notNull().references("stacks.stack"))
    .addColumn("revision", "bigint", (column) => column.notNull())
    .addColumn("spec", "text", (column) => column.notNull())
    .addColumn("source", "text", (column) => column.notNull())
    .addColumn("by", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("revisions_key", ["stack", "revision"])
    .execute();
}

async function nodes(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("nodes")
    .addColumn("node", "text", (column) => column.primaryKey())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("address", "text")
    .addColumn("roles", "text", (column) => column.notNull())
    .addColumn("nodeId", "text", (column) => column.unique())
    .addColumn("registeredAt", "bigint")
    .addColumn("version", "text")
    .addColumn("capabilities", "text")
    .addColumn("machineId", "text")
    .addColumn("bootId", "text")
    .addColumn("clockOffsetMs", "bigint")
    .addColumn("seenAt", "bigint")
    .execute();
  await db.schema
    .createTable("identities")
    .addColumn("fingerprint", "text", (column) => column.primaryKey())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("node", "text", (column) => column.notNull())
    .addColumn("nodeId", "text", (column) => column.notNull())
    .addColumn("keyHash", "text", (column) => column.notNull())
    .addColumn("machineId", "text", (column) => column.notNull())
    .addColumn("issuedAt", "bigint", (column) => column.notNull())
    .addColumn("notAfter", "bigint", (column) => column.notNull())
    .addColumn("revokedAt", "bigint")
    .execute();
  await db.schema.createIndex("identities_node").on("identities").column("node").execute();
}

async function tokens(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("enrolment_tokens")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("node", "text", (column) => column.notNull())
    .addColumn("roles", "text", (column) => column.notNull())
    .addColumn("secretHash", "text", (column) => column.notNull())
    .addColumn("by", "text", (column) => column.notNull())
    .addColumn("createdAt", "bigint", (column) => column.notNull())
    .addColumn("expiresAt", "bigint", (column) => column.notNull())
    .addColumn("usedAt", "bigint")
    .addColumn("usedKeyHash", "text")
    .addColumn("answer", "text")
    .execute();
  await db.schema.createIndex("enrolment_tokens_node").on("enrolment_tokens").column("node").execute();
  await db.schema
    .createTable("api_tokens")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("role", "text", (column) => column.notNull())
    .addColumn("secretHash", "text", (column) => column.notNull())
    .addColumn("createdAt", "bigint", (column) => column.notNull())
    .addColumn("revokedAt", "bigint")
    .execute();
}

async function steering(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("desired")
    .addColumn("node", "text", (column) => column.primaryKey().references("nodes.node").onDelete("cascade"))
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("generation", "bigint", (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .addColumn("roles", "text", (column) => column.notNull())
    .addColumn("updatedAt", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("gates")
    .addColumn("node", "text", (column) => column.notNull().references("nodes.node").onDelete("cascade"))
    .addColumn("resource", "text", (column) => column.notNull())
    .addColumn("resourceHash", "text", (column) => column.notNull())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("fact", "text", (column) => column.notNull())
    .addColumn("shutSince", "bigint", (column) => column.notNull())
    .addColumn("openedAt", "bigint")
    .addPrimaryKeyConstraint("gates_key", ["node", "resource", "resourceHash"])
    .execute();
}

async function requests(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("pauses")
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("scope", "text", (column) => column.notNull())
    .addColumn("reason", "text", (column) => column.notNull())
    .addColumn("by", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("until", "bigint")
    .addPrimaryKeyConstraint("pauses_key", ["stack", "scope"])
    .execute();
  await db.schema
    .createTable("retry_tokens")
    .addColumn("node", "text", (column) => column.notNull().references("nodes.node").onDelete("cascade"))
    .addColumn("resource", "text", (column) => column.notNull())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("token", "text", (column) => column.notNull())
    .addColumn("by", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("retry_tokens_key", ["node", "resource"])
    .execute();
  await db.schema
    .createTable("approvals")
    .addColumn("node", "text", (column) => column.notNull().references("nodes.node").onDelete("cascade"))
    .addColumn("resource", "text", (column) => column.notNull())
    .addColumn("resourceHash", "text", (column) => column.notNull())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("token", "text", (column) => column.notNull())
    .addColumn("by", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("approvals_key", ["node", "resource"])
    .execute();
}

async function reported(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("reports")
    .addColumn("node", "text", (column) => column.primaryKey().references("nodes.node").onDelete("cascade"))
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .addColumn("receivedAt", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("facts")
    .addColumn("node", "text", (column) => column.notNull().references("nodes.node").onDelete("cascade"))
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("value", "text", (column) => column.notNull())
    .addColumn("since", "bigint", (column) => column.notNull())
    .addColumn("settled", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("facts_key", ["node", "name"])
    .execute();
}

async function runs(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("runs")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("node", "text", (column) => column.notNull())
    .addColumn("passId", "text", (column) => column.notNull())
    .addColumn("epoch", "bigint", (column) => column.notNull())
    .addColumn("generation", "bigint", (column) => column.notNull())
    .addColumn("resource", "text", (column) => column.notNull())
    .addColumn("resourceHash", "text", (column) => column.notNull())
    .addColumn("cause", "text", (column) => column.notNull())
    .addColumn("changes", "text", (column) => column.notNull())
    .addColumn("phase", "text", (column) => column.notNull())
    .addColumn("outcome", "text")
    .addColumn("code", "text")
    .addColumn("reason", "text")
    .addColumn("startedAt", "bigint", (column) => column.notNull())
    .addColumn("endedAt", "bigint")
    .addColumn("receivedAt", "bigint", (column) => column.notNull())
    .addColumn("bytes", "bigint", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("runs_node").on("runs").columns(["node", "startedAt"]).execute();
  await db.schema.createIndex("runs_bytes").on("runs").columns(["node", "bytes"]).execute();
  await db.schema.createIndex("runs_started").on("runs").column("startedAt").execute();
  await db.schema.createIndex("runs_received").on("runs").column("receivedAt").execute();
  await db.schema
    .createTable("logs")
    .addColumn("runId", "text", (column) => column.notNull())
    .addColumn("seq", "bigint", (column) => column.notNull())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("node", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("data", "text", (column) => column.notNull())
    .addColumn("bytes", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("logs_key", ["runId", "seq"])
    .execute();
  await db.schema.createIndex("logs_run").on("logs").columns(["runId", "bytes"]).execute();
  await db.schema.createIndex("logs_node").on("logs").columns(["node", "bytes"]).execute();
  await db.schema.createIndex("logs_at").on("logs").columns(["at", "bytes"]).execute();
}

async function history(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("events")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("node", "text")
    .addColumn("resource", "text")
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("severity", "text", (column) => column.notNull())
    .addColumn("code", "text")
    .addColumn("text", "text", (column) => column.notNull())
    .addColumn("data", "text", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("events_node").on("events").columns(["node", "id"]).execute();
  await db.schema.createIndex("events_at").on("events").column("at").execute();
  await db.schema
    .createTable("audit")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("node", "text")
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("who", "text", (column) => column.notNull())
    .addColumn("what", "text", (column) => column.notNull())
    .addColumn("receivedAt", "bigint", (column) => column.notNull())
    .addColumn("bytes", "bigint")
    .execute();
  await db.schema.createIndex("audit_at").on("audit").column("at").execute();
  await db.schema.createIndex("audit_received").on("audit").column("receivedAt").execute();
  await db.schema.createIndex("audit_bytes").on("audit").columns(["node", "bytes"]).execute();
  await sql`create trigger audit_append_only before update on audit
    begin select raise(abort, 'audit is append-only'); end`.execute(db);
}

async function metrics(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("metrics")
    .addColumn("node", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("values", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("metrics_key", ["node", "at"])
    .execute();
  await db.schema.createIndex("metrics_at").on("metrics").column("at").execute();
  await db.schema
    .createTable("metric_means")
    .addColumn("node", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("stack", "text", (column) => column.notNull())
    .addColumn("values", "text", (column) => column.notNull())
    .addColumn("samples", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("metric_means_key", ["node", "at"])
    .execute();
  await db.schema.createIndex("metric_means_at").on("metric_means").column("at").execute();
}
