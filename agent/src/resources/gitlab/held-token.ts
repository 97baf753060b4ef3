import { Secret } from "@fettle/shared/lib/secret.ts";
import { sha256Hex } from "@fettle/shared/lib/sha256.ts";
import type { GitlabParams } from "@fettle/shared/roles/gitlab.ts";
import * as z from "zod";
import type { Files } from "../../system/files.ts";

const MINTED = "mint:";
const kept = z.strictObject({
  /** `mint:USER`, or `file:` and the sha256 of the token in the operator's file that this one was rotated from. */
  from: z.string(),
  token: z.string().min(1),
});

/** The token that this machine holds, and where it came from. */
export interface HeldToken {
  readonly token: Secret | null;
  readonly from: string;
  /** Permission bits of the operator's file; null without one. */
  readonly fileMode: number | null;
}

interface Where {
  readonly params: Pick<GitlabParams, "token">;
  readonly secretsFolder: string;
  readonly remember: (secret: string) => void;
}

/**
 * What `gitlab.token` names: the one that was minted for that user; or the one in the file, or what it was rotated
 * into. A new token in the file counts from then on.
 */
export async function heldToken(files: Files, where: Where): Promise<HeldToken> {
  const stored = await readKept(files, where);
  const { token: declared } = where.params;
  if (declared.kind === "mint") {
    const from = mintedFor(declared.actor);
    const mine = stored?.from === from ? remembered(where, stored.token) : null;
    return { token: mine, from, fileMode: null };
  }
  const text = (await files.readText(declared.path))?.trim() ?? "";
  const fileMode = (await files.stat(declared.path))?.mode ?? null;
  if (text === "") return { token: null, from: "", fileMode };
  const from = `file:${sha256Hex(text)}`;
  const token = remembered(where, text);
  return { token: stored?.from === from ? remembered(where, stored.token) : token, from, fileMode };
}

/** A token that Fettle made: minted, or rotated out of the operator's own one. */
export interface MadeToken {
  readonly token: Secret;
  /** For whom it was minted; null when it came from the operator's file. */
  readonly actor: string | null;
}

/** null when this machine keeps none, or only the operator's own. */
export async function madeToken(files: Files, where: Pick<Where, "secretsFolder">): Promise<MadeToken | null> {
  const stored = await readKept(files, where);
  if (stored === null) return null;
  const own = `file:${sha256Hex(stored.token)}`;
  if (stored.from === own) return null;
  const actor = stored.from.startsWith(MINTED) ? stored.from.slice(MINTED.length) : null;
  return { token: new Secret(stored.token), actor };
}

export function mintedFor(actor: string): string {
  return `${MINTED}${actor}`;
}

/** On disk, and known as a secret, when it resolves. */
export async function keepToken(files: Files, where: Where, from: string, token: Secret): Promise<void> {
  where.remember(token.reveal());
  await files.makeFolder(where.secretsFolder, { mode: 0o700 });
  const text = JSON.stringify({ from, token: token.reveal() });
  await files.writeAtomic(pathOf(where), `${text}\n`, { mode: 0o600 });
}

async function readKept(files: Files, where: Pick<Where, "secretsFolder">): Promise<z.infer<typeof kept> | null> {
  const text = await files.readText(pathOf(where));
  if (text === null) return null;
  try {
    const parsed = kept.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

function remembered({ remember }: Where, token: string): Secret {
  remember(token);
  return new Secret(token);
}

function pathOf({ secretsFolder }: Pick<Where, "secretsFolder">): string {
  return `${secretsFolder}/gitlab-token.json`;
}
