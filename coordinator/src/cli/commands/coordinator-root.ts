import type { Command } from "commander";
import type { Act } from "../command.ts";
import type { Session } from "../session.ts";

/** `fettle coordinator root`: the root's key may live elsewhere. */
export function declareRoot(group: Command, act: Act): void {
  const root = group.command("root").description("The key of the CA's root, which this machine needs rarely");
  root
    .command("export")
    .description("Take it off this machine; everything but a renewal of the issuing CA goes on without it")
    .requiredOption("--to <file>", "on a medium that is then kept elsewhere")
    .action(act(exportRoot));
  root
    .command("import")
    .description("Bring it back")
    .requiredOption("--from <file>", "as export wrote it")
    .action(act(importRoot));
}

async function exportRoot({ out, environment }: Session, { to }: { to: string }): Promise<number> {
  const { exportRootHere } = await import("../../admin/here.ts");
  await exportRootHere({ ...environment }, to);
  if (out.isJson) out.json("coordinator-root-export", { file: to });
  else out.lines([`the root's key is in ${to} alone: keep that file elsewhere, and not only once`]);
  return 0;
}

async function importRoot({ out, environment }: Session, { from }: { from: string }): Promise<number> {
  const { importRootHere } = await import("../../admin/here.ts");
  await importRootHere({ ...environment }, from);
  if (out.isJson) out.json("coordinator-root-import", { file: from });
  else out.lines(["the root's key is on this machine again; the issuing CA is renewed within the hour if it is due"]);
  return 0;
}
