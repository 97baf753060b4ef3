import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { MirrorItem } from "@fettle/shared/mirror/item.ts";
import { shortModelName } from "@fettle/shared/roles/model-name.ts";
import type { OllamaModel } from "@fettle/shared/roles/ollama.ts";
import type { MirrorClient } from "../../clients/mirror.ts";
import { RELAY_NAME, relayModel } from "../../clients/model-relay.ts";
import type { ResourceContext } from "../resource.ts";

/** What the mirror has of a model; one with another digest than is pinned is another model. */
export function mirroredModel(mirror: MirrorClient, { name, digest }: OllamaModel): MirrorItem | null {
  const wanted = shortModelName(name);
  const found = mirror.list("model").find((item) => shortModelName(item.name) === wanted);
  return found === undefined || (digest !== undefined && digest !== found.sha256) ? null : found;
}

/**
 * Has Ollama pull a model of the mirror by itself: from a registry on loopback that is there as long as `pull` runs.
 * Ollama checks each file on its way; the model then gets its own name. Nothing is left of the other one.
 */
export async function viaRelay(
  { host, clients }: ResourceContext,
  address: string,
  item: MirrorItem,
  signal: AbortSignal,
  pull: (name: string, bytes: number) => Promise<void>,
): Promise<void> {
  const { ollama } = clients;
  await removeLeftOvers();
  const relay = await relayModel(host, clients.mirror, item, signal);
  try {
    await pull(relay.name, relay.bytes);
    const here = await find(relay.name);
    if (here !== item.sha256)
      throw new FettleError("mirror.away", { what: item.name, problem: `its digest is ${here}` });
    await ollama.copy(address, relay.name, item.name, signal);
  } finally {
    relay.close();
    // What cannot be removed now is removed before the next pull.
    if (!signal.aborted) await ollama.remove(address, relay.name, signal).catch(() => undefined);
  }

  async function find(name: string): Promise<string> {
    const tags = await ollama.tags(address, signal);
    return tags.find((one) => one.name === name)?.digest ?? "unknown";
  }

  async function removeLeftOvers(): Promise<void> {
    for (const { name } of await ollama.tags(address, signal))
      if (RELAY_NAME.test(name)) await ollama.remove(address, name, signal);
  }
}
