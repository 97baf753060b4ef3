import { MODEL_REGISTRY, parseModelName } from "@fettle/shared/roles/model-name.ts";
import * as z from "zod";
import type { Host } from "../system/host.ts";

const DEADLINE_MS = 10_000;
const ACCEPT = "application/vnd.docker.distribution.manifest.v2+json";

const layer = z.object({ digest: z.string(), size: z.number().nonnegative() });
const manifest = z.object({ config: layer, layers: z.array(layer) });

export type ManifestAnswer =
  | { readonly kind: "found"; readonly bytes: number }
  | { readonly kind: "absent" }
  /** The registry did not answer from here, or as nobody expects: nothing is known. */
  | { readonly kind: "unknown"; readonly problem: string };

/** What a model weighs before it is pulled (facts: ollama.md section 4: anonymous GET of the manifest). Never throws. */
export async function modelManifest(host: Host, name: string, signal: AbortSignal): Promise<ManifestAnswer> {
  const parsed = parseModelName(name);
  if (parsed === null) return { kind: "absent" };
  const { registry, namespace, model, tag } = parsed;
  const url = `https://${registry ?? MODEL_REGISTRY}/v2/${namespace ?? "library"}/${model}/manifests/${tag}`;
  try {
    const answer = await host.http.request({ url, headers: { accept: ACCEPT }, deadlineMs: DEADLINE_MS, signal });
    if (answer.status === 404) return { kind: "absent" };
    if (answer.status !== 200) return { kind: "unknown", problem: `status ${answer.status}` };
    const { config, layers } = manifest.parse(JSON.parse(answer.text));
    return { kind: "found", bytes: [config, ...layers].reduce((sum, { size }) => sum + size, 0) };
  } catch (error) {
    return { kind: "unknown", problem: error instanceof Error ? error.message : String(error) };
  }
}
