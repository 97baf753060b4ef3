import type { Secret } from "@fettle/shared/lib/secret.ts";
import type { Command } from "commander";
import type { Act } from "../command.ts";
import { readPassphrase } from "../passphrase.ts";
import type { Session } from "../session.ts";

const PASSPHRASE = ["--passphrase-file <file>", "what the file is encrypted with; `-` is standard input"] as const;

/** `fettle coordinator root`: the root's key may live elsewhere. */
export function declareRoot(group: Command, act: Act): void {
  const root = group.command("root").description("The key of the CA's root, which this machine needs rarely");
  root
    .command("export")
    .description("Take it off this machine; everything but a renewal of the issuing CA goes on without it")
    .requiredOption("--to <file>", "on a medium that is then kept elsewhere")
    .option(...PASSPHRASE)
    .action(act(exportRoot));
  root
    .command("import")
    .description("Bring it back")
    .requiredOption("--from <file>", "as export wrote it")
    .option(...PASSPHRASE)
    .action(act(importRoot));
}

interface Given {
  readonly passphraseFile?: string;
}

/** A key that is kept in two places is better encrypted; whether it is, is the operator's choice. */
async function passphraseOf(session: Session, { passphraseFile }: Given): Promise<Secret | null> {
  return passphraseFile === undefined ? null : await readPassphrase(session, passphraseFile);
}

async function exportRoot(session: Session, { to, ...given }: Given & { to: string }): Promise<number> {
  const { out, environment } = session;
  const passphrase = await passphraseOf(session, given);
  const { exportRootHere } = await import("../../admin/here.ts");
  await exportRootHere({ ...environment }, to, passphrase);
  if (out.isJson) out.json("coordinator-root-export", { file: to });
  else out.lines([`the root's key is in ${to} alone: keep that file elsewhere, and not only once`]);
  return 0;
}

async function importRoot(session: Session, { from, ...given }: Given & { from: string }): Promise<number> {
  const { out, environment } = session;
  const passphrase = await passphraseOf(session, given);
  const { importRootHere } = await import("../../admin/here.ts");
  await importRootHere({ ...environment }, from, passphrase);
  if (out.isJson) out.json("coordinator-root-import", { file: from });
  else out.lines(["the root's key is on this machine again; the issuing CA is renewed within the hour if it is due"]);
  return 0;
}
