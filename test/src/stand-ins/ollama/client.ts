import { request } from "node:http";
import { text } from "node:stream/consumers";
import type { Variables } from "./config/environment.ts";
import { connectable, joinHostPort, parseHost } from "./config/host-address.ts";

/** `ollama list` and `ollama pull NAME`, asked of the server that OLLAMA_HOST names; the lines that they print. */
export async function clientLines([command, name = ""]: string[], variables: Variables): Promise<string[]> {
  const { host, port } = connectable(parseHost(variables.OLLAMA_HOST));
  const url = `http://${joinHostPort(host, port)}/api`;
  if (command === "list") {
    const { models } = JSON.parse(await answerOf("GET", `${url}/tags`)) as { models: { name: string }[] };
    return ["NAME", ...models.map((model) => model.name)];
  }
  const lines = (await answerOf("POST", `${url}/pull`, JSON.stringify({ model: name }))).split("\n").filter(Boolean);
  const last = JSON.parse(lines.at(-1) ?? "{}") as { status?: string; error?: string };
  if (last.status !== "success") throw new Error(last.error ?? "the pull ended without a word");
  return [last.status];
}

function answerOf(method: string, url: string, body = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    // A pull says something all the time; a server that is just starting may never answer.
    const options = { method, agent: false, timeout: 10_000 };
    const asked = request(url, options, (response) => void text(response).then(resolve, reject));
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => reject(new Error("could not connect to ollama server, run 'ollama serve' to start it")));
    asked.end(body);
  });
}
