import type { Host } from "../../system/host.ts";
import { OLLAMA_UNIT } from "./unit-file.ts";

/** Where the vendor's service user keeps its models. */
export const MODELS_FOLDER = "/usr/share/ollama/.ollama/models";

/** Where the running Ollama keeps its models: OLLAMA_MODELS of its process, else the service user's home. */
export async function modelsFolder(host: Host): Promise<string> {
  const { mainPid } = await host.units.show(OLLAMA_UNIT);
  const environ = mainPid > 0 ? await host.proc.environ(mainPid) : null;
  return environ?.OLLAMA_MODELS ?? MODELS_FOLDER;
}

/**
 * Removes the parts of unfinished downloads. Ollama takes a part that is empty or that lost its record as it is, and
 * then fails for ever (facts: ollama.md section 4); without parts it begins anew.
 */
export async function removePartials(host: Host): Promise<void> {
  const folder = `${await modelsFolder(host)}/blobs`;
  const names = (await host.files.list(folder)) ?? [];
  for (const name of names) if (/^sha256-[0-9a-f]{64}-partial/.test(name)) await host.files.remove(`${folder}/${name}`);
}
