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
  "ollama.model.not-found": {
    severity: "critical",
    cause: "The registry has no model {model}.",
    remedy: "Correct the name or tag in `modelServers[].models` (`ollama list` and the registry's page show them).",
  },
  "ollama.model.needs-newer": {
    severity: "critical",
    cause: "{model} needs a newer Ollama: {problem}.",
    remedy: "Declare a newer `modelServers[].version`, or another model.",
  },
  "ollama.model.disk-full": {
    severity: "critical",
    cause: "{model} needs {needed} on the models' disk, and {free} are free.",
    remedy: "Free space there or enlarge the disk; the pull starts by itself then, and what was pulled is kept.",
  },
  "ollama.model.digest-differs": {
    severity: "critical",
    cause: "The registry's {model} is {found}, and the stack pins {wanted}.",
    remedy: "Check why the tag was published anew, then change the pinned digest in the stack file.",
  },
  "ollama.model.tls": {
    severity: "critical",
    cause: "The registry's certificate is not trusted while pulling {model}: {problem}.",
    remedy: "If a proxy opens TLS here, add its CA to the system's store (update-ca-certificates) and restart Ollama.",
  },
  "ollama.model.registry-unreachable": {
    severity: "warning",
    cause: "The registry could not be reached for {model}: {problem}.",
    remedy: "Check DNS, route and proxy of this machine (`HTTPS_PROXY` in Ollama's environment); Fettle tries again.",
  },
  "ollama.model.registry-unfit": {
    severity: "critical",
    cause: "The registry does not speak Ollama's protocol for {model}: {problem}.",
    remedy: "A plain container registry or a caching proxy does not serve Ollama's blobs; use one that does.",
  },
  "ollama.model.unsupported": {
    severity: "critical",
    cause: "This machine's Ollama cannot run {model}: {problem}.",
    remedy: "Choose a GGUF model in the stack file.",
  },
  "ollama.model.corrupt-part": {
    severity: "warning",
    cause: "A downloaded part of {model} is spoiled: {problem}.",
    remedy: "Nothing: Fettle removes the part and pulls it again.",
  },
  "ollama.model.pull-failed": {
    severity: "warning",
    cause: "The pull of {model} failed: {problem}.",
    remedy: "Fettle tries again with growing pauses; `journalctl -u ollama.service` has Ollama's own words.",
  },
  "ollama.warm.load-failed": {
    severity: "critical",
    cause: "{model} could not be loaded: {problem}.",
    remedy:
      "Read `journalctl -u ollama.service`: out of memory asks for a smaller model or context; Fettle tries again.",
  },
  "ollama.warm.gpu-share": {
    severity: "critical",
    cause: "Only {found} % of {model} is in GPU memory, and {wanted} % is declared.",
    remedy: "Choose a smaller model or OLLAMA_CONTEXT_LENGTH, look at ollama.driver, or lower `minGpuPercent`.",
    dependsOn: ["ollama.driver.absent", "ollama.driver.failed", "ollama.driver.too-old"],
  },
  "ollama.warm.context": {
    severity: "warning",
    cause: "{model} is loaded with a context of {found} tokens, and {wanted} are declared.",
    remedy:
      "A client asks for another context, or the model knows no more; lower OLLAMA_CONTEXT_LENGTH or unload it once.",
  },
} as const satisfies CodeFile;
