import { hostPort } from "@fettle/shared/lib/address.ts";

/** The unit of the vendor's installer; naming a model server in an enforced stack adopts it. */
export const OLLAMA_UNIT = "ollama.service";
export const DROP_IN_FOLDER = "/etc/systemd/system/ollama.service.d";
/** Drop-ins apply by file name; `zz-` comes after what people usually write. */
export const DROP_IN = `${DROP_IN_FOLDER}/zz-fettle.conf`;

/** Where a unit of our own making lies, as the vendor's does. */
export const UNIT_FILE = `/etc/systemd/system/${OLLAMA_UNIT}`;

/** The unit as the vendor's installer makes it, and started after the network has its addresses. */
export function unitText(program: string): string {
  return `# Made by Fettle. Settings belong into the stack file, or into a drop-in of your own.
[Unit]
Description=Ollama Service
After=network-online.target nvidia-persistenced.service
Wants=network-online.target

[Service]
ExecStart=${program} serve
User=ollama
Group=ollama
Restart=always
RestartSec=3
Environment="PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

[Install]
WantedBy=default.target
`;
}

/** OLLAMA_HOST and the declared environment, as the drop-in holds it. */
export function wantedEnvironment(params: {
  readonly listen: { readonly host: string; readonly port: number };
  readonly env: Readonly<Record<string, string>>;
}): Readonly<Record<string, string>> {
  return { OLLAMA_HOST: listenAddress(params.listen), ...params.env };
}

export function listenAddress({ host, port }: { readonly host: string; readonly port: number }): string {
  return hostPort(host, port);
}

/** The drop-in's text. Values are checked by local policy: no quotes, `%`, `$`, backslash or control characters. */
export function dropInText(environment: Readonly<Record<string, string>>): string {
  const lines = Object.entries(environment).map(([key, value]) => `Environment="${key}=${value}"`);
  return ["# Written by Fettle from the stack file; a change here is undone.", "[Service]", ...lines, ""].join("\n");
}

/**
 * `KEY=value` of every Environment= line in a unit file, in order; an empty Environment= is the key "" (it clears all).
 * Knows systemd's quoting as far as Environment= uses it.
 */
export function environmentOf(text: string): ReadonlyArray<readonly [key: string, value: string]> {
  const found: Array<readonly [string, string]> = [];
  for (const line of logicalLines(text)) {
    const value = /^\s*Environment\s*=(.*)$/.exec(line)?.[1];
    if (value === undefined) continue;
    if (value.trim() === "") found.push(["", ""]);
    for (const word of words(value)) {
      const at = word.indexOf("=");
      if (at > 0) found.push([word.slice(0, at), word.slice(at + 1)]);
    }
  }
  return found;
}

/** Paths of EnvironmentFile= lines; what they set wins over every Environment=. */
export function environmentFilesOf(text: string): readonly string[] {
  return logicalLines(text).flatMap((line) => /^\s*EnvironmentFile\s*=\s*-?(\S+)\s*$/.exec(line)?.[1] ?? []);
}

function logicalLines(text: string): string[] {
  return text
    .replace(/\\\n/g, " ")
    .split("\n")
    .filter((line) => !/^\s*[#;]/.test(line));
}

function words(value: string): string[] {
  const quoted = value.matchAll(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+)/g);
  return [...quoted].map((match) => (match[1] ?? match[2] ?? match[3] ?? "").replace(/\\(.)/g, "$1"));
}
