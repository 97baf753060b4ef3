import * as z from "zod";

/** The first member of a backup: what is in it and where it comes from. */
export const MANIFEST = "manifest.json";
export const DATABASE = "fettle.db.gz";
export const CONFIGURATION = "coordinator.yaml";
export const PKI = "pki/";
/** Enough for any list of files; more is not ours. */
export const MANIFEST_MAX_BYTES = 1024 * 1024;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const file = z.object({
  /** A relative path of plain names, as in `pki/ca.key`. */
  path: z.string().regex(/^(?!.*(^|\/)\.{1,2}(\/|$))[\w.-]+(\/[\w.-]+)*$/),
  bytes: z.number().int().nonnegative(),
  sha256,
});
export type BackupFile = z.infer<typeof file>;

/** Lenient about what a later version adds: whether this version can read the rest is said by `format` and `migration`. */
export const manifest = z.object({
  product: z.literal("fettle-coordinator"),
  format: z.number().int().positive(),
  /** Of the program that made it. */
  version: z.string().max(64),
  madeAt: z.number().int(),
  coordinatorId: z.string().max(64),
  epoch: z.number().int().nonnegative(),
  /** The database's newest migration. */
  migration: z.string().max(200),
  database: z.object({ bytes: z.number().int().nonnegative(), sha256 }),
  /** The members that follow, in order. */
  members: z.array(file).max(1_000),
  /** The files of `pki/` at that time, in the backup or, made with --without-ca, not. */
  pki: z.array(file).max(1_000),
  withCa: z.boolean(),
  /** Mirrored files and releases that were there then, as in `model mistral:instruct`; they are in no backup. */
  apart: z.array(z.string().max(400)).max(2_000),
});
export type Manifest = z.infer<typeof manifest>;

export const FORMAT = 1;
