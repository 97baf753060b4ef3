import type { Code } from "@fettle/shared/codes/codes.ts";

const CLASSES: ReadonlyArray<readonly [RegExp, Code]> = [
  [/toomanyrequests|pull rate limit|429/i, "gateway.image.rate-limited"],
  [/no space left on device/, "gateway.image.disk-full"],
  [/no matching manifest|does not match the specified platform/, "gateway.image.architecture"],
  [/manifest unknown|manifest for .* not found/, "gateway.image.not-found"],
  [/denied|unauthorized|authentication required|may require 'docker login'/, "gateway.image.denied"],
  [/x509|certificate/, "gateway.image.registry-tls"],
  [/no such host|server misbehaving|lookup .* on /, "gateway.image.registry-name"],
  [
    /connection refused|i\/o timeout|TLS handshake timeout|Client\.Timeout|network is unreachable|no route to host|deadline exceeded/,
    "gateway.image.registry-unreachable",
  ],
];

/** The code for the text with which the Engine ends a pull. */
export function pullCode(text: string): Code {
  return CLASSES.find(([pattern]) => pattern.test(text))?.[1] ?? "gateway.image.pull-failed";
}
