import type { Code } from "@fettle/shared/codes/codes.ts";

const CLASSES: ReadonlyArray<readonly [RegExp, Code]> = [
  [/file does not exist|not found/, "ollama.model.not-found"],
  [/requires a newer version of Ollama|: 412:/, "ollama.model.needs-newer"],
  [/no space left on device/, "ollama.model.disk-full"],
  [/x509|certificate/, "ollama.model.tls"],
  [
    /no such host|i\/o timeout|connection refused|dial tcp|TLS handshake timeout|network is unreachable/,
    "ollama.model.registry-unreachable",
  ],
  [/no Location header|realm host/, "ollama.model.registry-unfit"],
  [/requires MLX/, "ollama.model.unsupported"],
  [/digest mismatch|\bEOF\b|-partial|no such file/, "ollama.model.corrupt-part"],
];

/** The code for the text with which a pull ends (facts: ollama.md section 3). */
export function pullCode(text: string): Code {
  return CLASSES.find(([pattern]) => pattern.test(text))?.[1] ?? "ollama.model.pull-failed";
}
