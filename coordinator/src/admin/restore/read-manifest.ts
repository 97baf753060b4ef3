import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { VERSION } from "@fettle/shared/lib/version.ts";
import * as z from "zod";
import { migrations } from "../../store/migrations/migrations.ts";
import { DATABASE, FORMAT, MANIFEST, MANIFEST_MAX_BYTES, type Manifest, manifest } from "../backup/manifest.ts";
import type { Member } from "../backup/members.ts";

/** What every format says. */
const head = z.object({
  product: z.literal("fettle-coordinator"),
  format: z.number().int().positive(),
  version: z.string().max(64),
});

/** Throws `backup.not-a-backup`, `backup.newer`. */
export async function readManifest(file: string, { path, bytes, body }: Member): Promise<Manifest> {
  if (path !== MANIFEST || bytes > MANIFEST_MAX_BYTES) throw notOurs(file, `it begins with ${path}`);
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(Buffer.from(piece));
  const json = parsed(file, head, Buffer.concat(pieces).toString());
  const newer = () => new FettleError("backup.newer", { file, version: json.version, own: VERSION });
  if (json.format > FORMAT) throw newer();
  const value = parsed(file, manifest, Buffer.concat(pieces).toString());
  if (!Object.hasOwn(migrations, value.migration)) throw newer();
  if (!value.members.some((member) => member.path === DATABASE)) throw notOurs(file, "it holds no database");
  return value;
}

function parsed<T>(file: string, schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw notOurs(file, messageOf(error).slice(0, 200));
  }
}

function notOurs(file: string, problem: string): FettleError {
  return new FettleError("backup.not-a-backup", { file, problem });
}
