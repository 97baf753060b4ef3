import type { Settings } from "./config/settings.ts";
import type { OllamaFaults } from "./faults.ts";
import { Log } from "./log.ts";
import { serve } from "./serve.ts";

export interface StartOptions {
  /** HOME of the server; models lie below it. */
  home: string;
  /** More of its environment. OLLAMA_HOST defaults to a free port on loopback. */
  env?: Record<string, string>;
  settings?: Partial<Settings>;
}

export interface StartedOllama {
  url: string;
  /** Every line it has logged. */
  lines: string[];
  setFaults(faults: Partial<OllamaFaults>): void;
  close(): void;
}

/** The stand-in inside this process, for tests that need no process of its own. */
export async function startOllama(options: StartOptions): Promise<StartedOllama> {
  const lines: string[] = [];
  const log = new Log(
    (line) => lines.push(line),
    (line) => lines.push(line),
  );
  const variables = { HOME: options.home, OLLAMA_HOST: "127.0.0.1:0", ...options.env };
  const running = await serve({ version: "0.32.15", ...options.settings }, variables, log);
  const { address, port } = running;
  return {
    url: `http://${address.includes(":") ? "[::1]" : address}:${port}`,
    lines,
    setFaults: (faults) => running.ollama.faults.replace(faults),
    close: () => running.close(),
  };
}
