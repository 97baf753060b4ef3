import { get } from "node:http";
import type { Variables } from "./config/environment.ts";
import { connectable, joinHostPort, parseHost } from "./config/host-address.ts";
import type { Settings } from "./config/settings.ts";

/** `ollama --version`: the version of the server that answers, and the program's own where it differs. */
export async function versionLines(settings: Settings, variables: Variables): Promise<string[]> {
  const { host, port } = connectable(parseHost(variables.OLLAMA_HOST));
  const server = await askVersion(`http://${joinHostPort(host, port)}/api/version`);
  const lines = server === undefined ? ["Warning: could not connect to a running Ollama instance"] : [];
  if (server !== undefined) lines.push(`ollama version is ${server}`);
  if (server !== settings.version) lines.push(`Warning: client version is ${settings.version}`);
  return lines;
}

function askVersion(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: 5000, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve(versionIn(text)));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

function versionIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { version?: string }).version;
  } catch {
    return undefined;
  }
}
