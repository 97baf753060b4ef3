import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { ApiTokens } from "./api-tokens.ts";
import { Approvals } from "./approvals.ts";
import { Audit } from "./audit.ts";
import { type Db, openDatabase } from "./database.ts";
import { DesiredStates } from "./desired.ts";
import { EnrolmentTokens } from "./enrolment-tokens.ts";
import { Events } from "./events.ts";
import { Facts } from "./facts.ts";
import { Gates } from "./gates.ts";
import { Identities } from "./identities.ts";
import { IdentityCases } from "./identity-cases.ts";
import { ImageTracks } from "./image-tracks.ts";
import { Logs } from "./logs.ts";
import { Meta } from "./meta.ts";
import { MetricMeans } from "./metric-means.ts";
import { MetricSamples } from "./metrics.ts";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations/migrations.ts";
import { Nodes } from "./nodes.ts";
import { Pauses } from "./pauses.ts";
import { Reports } from "./reports.ts";
import { Restores } from "./restores.ts";
import { RetryTokens } from "./retry-tokens.ts";
import { Revisions } from "./revisions.ts";
import { Runs } from "./runs.ts";
import { Stacks } from "./stacks.ts";
import { unbusy } from "./unbusy.ts";
import { Updates } from "./updates.ts";

/** The tables, each with its queries, on one connection or inside one transaction. */
export interface Queries {
  readonly meta: Meta;
  readonly restores: Restores;
  readonly stacks: Stacks;
  readonly revisions: Revisions;
  readonly nodes: Nodes;
  readonly identities: Identities;
  readonly identityCases: IdentityCases;
  readonly enrolmentTokens: EnrolmentTokens;
  readonly apiTokens: ApiTokens;
  readonly desired: DesiredStates;
  readonly gates: Gates;
  readonly imageTracks: ImageTracks;
  readonly reports: Reports;
  readonly facts: Facts;
  readonly runs: Runs;
  readonly logs: Logs;
  readonly events: Events;
  readonly audit: Audit;
  readonly pauses: Pauses;
  readonly retryTokens: RetryTokens;
  readonly approvals: Approvals;
  readonly metrics: MetricSamples;
  readonly metricMeans: MetricMeans;
  readonly updates: Updates;
}

export interface Store extends Queries {
  /**
   * Runs `work` in one transaction that holds the write lock from its start. Inside it use only the queries it is
   * handed: the store's own would wait for this transaction to end. When this resolves, the change is on disk.
   */
  write<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
  /** The newest migration, which the file is at. */
  readonly migration: string;
  /** Why the database cannot be written now; null when it can. */
  problem(): Promise<string | null>;
  close(): Promise<void>;
  /** For retention and health, which look at tables as such. */
  readonly db: Db;
}

/**
 * Opens the file and brings it up to date. Throws `store.not-initialised` when it has to be there and is not,
 * `store.newer`, `store.migration-failed`.
 */
export async function openStore(path: string, { mustExist = false } = {}): Promise<Store> {
  if (mustExist && !existsSync(path)) throw new FettleError("store.not-initialised", { folder: dirname(path) });
  const db = openDatabase(path);
  await migrate(db, migrations);
  return {
    ...queriesOn(db),
    db,
    write: (work) => unbusy(() => db.transaction().execute((transaction) => work(queriesOn(transaction)))),
    migration: Object.keys(migrations).at(-1) ?? "",
    problem: () =>
      new Meta(db).touch().then(
        () => null,
        (error: unknown) => messageOf(error),
      ),
    close: () => db.destroy(),
  };
}

function queriesOn(db: Db): Queries {
  return {
    meta: new Meta(db),
    restores: new Restores(db),
    stacks: new Stacks(db),
    revisions: new Revisions(db),
    nodes: new Nodes(db),
    identities: new Identities(db),
    identityCases: new IdentityCases(db),
    enrolmentTokens: new EnrolmentTokens(db),
    apiTokens: new ApiTokens(db),
    desired: new DesiredStates(db),
    gates: new Gates(db),
    imageTracks: new ImageTracks(db),
    reports: new Reports(db),
    facts: new Facts(db),
    runs: new Runs(db),
    logs: new Logs(db),
    events: new Events(db),
    audit: new Audit(db),
    pauses: new Pauses(db),
    retryTokens: new RetryTokens(db),
    approvals: new Approvals(db),
    metrics: new MetricSamples(db),
    metricMeans: new MetricMeans(db),
    updates: new Updates(db),
  };
}
