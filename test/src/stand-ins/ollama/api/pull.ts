import type { Ollama } from "../context.ts";
import { type Progress, pullModel } from "../pull/pull-model.ts";
import { bodyOf, type Exchange, openLines, sendJson } from "./exchange.ts";
import { nameIn } from "./models.ts";

/** POST /api/pull: lines as it goes; a failure is the last line of an answer with status 200, because the first line is out by then. */
export async function pull(ollama: Ollama, exchange: Exchange): Promise<void> {
  const body = await bodyOf(exchange);
  const { name: wanted } = nameIn(body);
  const scheme = wanted.host === "registry.ollama.ai" ? wanted.scheme : "https";
  const name = { ...ollama.store.existing(wanted), scheme };
  const insecure = body.insecure === true;
  if (body.stream === false)
    return whole(ollama, exchange, (say) => pullModel(ollama, name, insecure, exchange.gone, say));
  const line = openLines(exchange);
  try {
    await pullModel(ollama, name, insecure, exchange.gone, (progress) => {
      if (progress.status !== "success" || ollama.faults.now.pullJustEnds !== true) line(progress);
    });
  } catch (error) {
    if (exchange.gone.aborted) return;
    line({ error: (error as Error).message });
  }
  exchange.response.end();
}

/** Without a stream: the last progress, or 500 with the error. */
export async function whole(
  _: Ollama,
  exchange: Exchange,
  run: (say: (progress: Progress) => void) => Promise<void>,
): Promise<void> {
  let last: Progress = { status: "" };
  await run((progress) => {
    last = progress;
  });
  sendJson(exchange, 200, last);
}
