import type { CodeFile } from "./code.ts";

export const ollamaCodes = {
  "ollama.drop-in.masked": {
    severity: "critical",
    cause: "The unit ollama.service is masked, so no drop-in counts.",
    remedy: "Run `systemctl unmask ollama.service` on the machine when Ollama is to run there.",
  },
  "ollama.drop-in.overridden": {
    severity: "critical",
    cause: "{file} is applied after Fettle's drop-in and sets {key} too.",
    remedy: "Take {key} out of {file} (or move the setting to the stack file), then run `systemctl daemon-reload`.",
  },
  "ollama.service.absent": {
    severity: "critical",
    cause: "There is no ollama.service on this machine.",
    remedy: "Nothing, if ollama.install is under way; else look at it with `fettle describe`.",
  },
  "ollama.service.masked": {
    severity: "critical",
    cause: "The unit ollama.service is masked.",
    remedy: "Run `systemctl unmask ollama.service` on the machine when Ollama is to run there.",
  },
  "ollama.service.crashing": {
    severity: "critical",
    cause: "Ollama ends at once each time it is started ({restarts} times): {problem}.",
    remedy: "Read `journalctl -u ollama.service`; the last line names the cause.",
  },
  "ollama.listening.service-down": {
    severity: "warning",
    cause: "Ollama is not running.",
    remedy: "Nothing, if ollama.service is being repaired; else look at it with `fettle describe`.",
    dependsOn: ["ollama.service.crashing", "ollama.service.masked", "ollama.service.absent"],
  },
  "ollama.listening.port-held": {
    severity: "critical",
    cause: "Ollama cannot listen on {address}: {holder} holds the port.",
    remedy: "Stop {holder}, or give Ollama another address with `modelServers[].listen`; Ollama starts by itself then.",
  },
  "ollama.listening.address-absent": {
    severity: "critical",
    cause: "Ollama cannot listen on {address}: this machine does not have that address (it has {addresses}).",
    remedy: "Give the machine the address, or correct `nodes.*.address` or `modelServers[].listen` in the stack file.",
  },
  "ollama.listening.foreign": {
    severity: "critical",
    cause: "{holder} answers on {address}, and it is not ollama.service.",
    remedy: "Stop {holder}; Fettle does not touch what it did not start.",
  },
  "ollama.listening.exposed": {
    severity: "critical",
    cause: "Ollama, which has no authentication, also answers on {address}.",
    remedy: "Close that address: remove the setting that makes Ollama listen there, or block it in the firewall.",
  },
} as const satisfies CodeFile;
