import { OLLAMA_PORT } from "@fettle/shared/roles/ollama.ts";
import { textOf } from "../outside-look.ts";
import type { Drift } from "./drift.ts";

const model = "mistral:instruct";

/** `ollama rm`, in the words of its API, by somebody on that machine. */
export const modelRemoved: Drift = {
  name: "model removed",
  node: "ollama-1",
  resources: [`ollama.model[${model}]`],
  async make({ ollama }) {
    const url = `http://${ollama.address}:${OLLAMA_PORT}/api/delete`;
    const script = 'date +%s%3N; curl -sS --fail --max-time 20 -X DELETE --data "$1" "$0"';
    return Number((await ollama.run(["sh", "-c", script, url, JSON.stringify({ model })])).split("\n")[0]);
  },
  async healed(lab) {
    const base = `http://${lab.ollama.address}:${OLLAMA_PORT}/api`;
    const texts = await Promise.all([textOf(lab, `${base}/tags`), textOf(lab, `${base}/ps`)]);
    return texts.every((text) => text.includes(`"${model}"`));
  },
};
