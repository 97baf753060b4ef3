import type { Command } from "commander";
import type { Act } from "../command.ts";
import { readPassphrase } from "../passphrase.ts";
import { size } from "../render/text.ts";
import type { Session } from "../session.ts";

interface Options {
  readonly to: string;
  readonly passphraseFile?: string;
  readonly withoutCa?: boolean;
  readonly force?: boolean;
}

export function declareBackup(group: Command, act: Act): void {
  group
    .command("backup")
    .description("Write database, CA and configuration into one encrypted file, while it runs or not")
    .requiredOption("--to <file>", "where to; in a folder that is there, the name holds the time")
    .option("--passphrase-file <file>", "what it is encrypted with; default: from standard input")
    .option("--without-ca", "leave the folder pki out, to be kept apart")
    .option("--force", "replace a file that is there")
    .action(act(backup));
}

async function backup(session: Session, given: Options): Promise<number> {
  const { out, environment, signal } = session;
  const passphrase = await readPassphrase(session, given.passphraseFile);
  const { backupHere } = await import("../../admin/keep-here.ts");
  const options = { to: given.to, passphrase, withCa: given.withoutCa !== true, force: given.force === true };
  const done = await backupHere({ ...environment }, options, signal);
  if (out.isJson) {
    out.json("coordinator-backup", done);
    return 0;
  }
  out.lines([done.file]);
  const ca = done.withCa ? "" : "; without the folder pki, which a restore will ask for";
  out.note(`${size(done.bytes)}, epoch ${done.epoch}${ca}`);
  if (done.apart.length > 0) out.note(`not in it, being large and to be had again: ${done.apart.join(", ")}`);
  return 0;
}
