import type { Command } from "commander";
import type { Act } from "../command.ts";
import { readPassphrase } from "../passphrase.ts";
import { restored } from "../render/restored.ts";
import type { Session } from "../session.ts";
import { usage } from "../where.ts";

interface Options {
  readonly from: string;
  readonly passphraseFile?: string;
  readonly pki?: string;
  readonly replace?: boolean;
  readonly epoch?: string;
}

export function declareRestore(group: Command, act: Act): void {
  group
    .command("restore")
    .description("Make this machine's coordinator from a backup; every node only observes until you enforce")
    .requiredOption("--from <file>", "what `fettle coordinator backup` wrote")
    .option("--passphrase-file <file>", "what it was encrypted with; default: from standard input")
    .option("--pki <folder>", "the folder pki, for a backup made --without-ca")
    .option("--replace", "move a coordinator that is here aside")
    .option("--epoch <number>", "a higher epoch than the next one, after a restore that was lost")
    .action(act(restore));
}

async function restore(session: Session, given: Options): Promise<number> {
  const { out, environment, signal } = session;
  const epoch = given.epoch === undefined ? null : epochOf(given.epoch);
  const passphrase = await readPassphrase(session, given.passphraseFile);
  const { restoreHere } = await import("../../admin/keep-here.ts");
  const { from, pki = null, replace = false } = given;
  const done = await restoreHere({ ...environment }, { from, passphrase, replace, pki, epoch }, signal);
  if (out.isJson) out.json("coordinator-restore", done);
  else out.lines(restored(done));
  return 0;
}

function epochOf(text: string): number {
  const epoch = Number(text);
  if (!Number.isSafeInteger(epoch) || epoch < 1) throw usage(`--epoch takes a whole number, not ${text}`);
  return epoch;
}
