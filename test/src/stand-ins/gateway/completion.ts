/** The text of a model's answer, whole or piece by piece. */
import type { IncomingMessage } from "node:http";

export interface Completion {
  text: string;
  usage: { input_tokens: number; output_tokens: number };
}

interface Choice {
  message?: { content?: string | null };
  delta?: { content?: string | null };
}

interface Answer {
  choices?: Choice[];
  usage?: { prompt_tokens?: number; completion_tokens?: number };
}

export async function wholeAnswer(response: IncomingMessage): Promise<Completion> {
  let body = "";
  for await (const chunk of response.setEncoding("utf8")) body += chunk;
  const { choices, usage } = JSON.parse(body) as Answer;
  return {
    text: choices?.[0]?.message?.content ?? "",
    usage: { input_tokens: usage?.prompt_tokens ?? 0, output_tokens: usage?.completion_tokens ?? 0 },
  };
}

/** Server-sent events of chat completion chunks, as the pieces of text in them. */
export async function* pieces(response: IncomingMessage): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of response.setEncoding("utf8")) {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const text = pieceOf(line.trim());
      if (text !== "") yield text;
    }
  }
}

function pieceOf(line: string): string {
  if (!line.startsWith("data:") || line.endsWith("[DONE]")) return "";
  const { choices } = JSON.parse(line.slice("data:".length)) as Answer;
  return choices?.[0]?.delta?.content ?? "";
}
