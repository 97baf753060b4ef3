import type { CodeFile } from "./code.ts";

export const ollamaCodes = {
  "ollama.driver.absent": {
    severity: "critical",
    cause:
      "The models are to be in GPU memory, and this machine has no nvidia-smi: the NVIDIA driver is not installed.",
    remedy:
      "Install it (Ubuntu: `apt-get install ubuntu-drivers-common && ubuntu-drivers install --gpgpu`) and reboot, or set `minGpuPercent: 0`.",
  },
  "ollama.driver.failed": {
    severity: "critical",
    cause: "nvidia-smi cannot reach the driver: {problem}.",
    remedy:
      "Run `modprobe nvidia && modprobe nvidia_uvm`. When that fails: `apt-get install linux-headers-$(uname -r) && dkms autoinstall`, then reboot.",
  },
  "ollama.driver.mismatch": {
    severity: "critical",
    cause: "The NVIDIA driver was updated while the old one is loaded: {problem}.",
    remedy: "Run `reboot` on the machine. With `driver: install` in the stack, Fettle does it when you approve it.",
  },
  "ollama.driver.too-old": {
    severity: "critical",
    cause:
      "The NVIDIA driver is {found}; Ollama {ollama} needs {wanted} or newer for {gpu}, and otherwise computes on the CPU.",
    remedy:
      "Install a newer one (Ubuntu: `ubuntu-drivers list --gpgpu`, then `ubuntu-drivers install --gpgpu nvidia:{wanted}-server`) and reboot.",
  },
  "ollama.driver.hung": {
    severity: "critical",
    cause: "nvidia-smi does not answer within {seconds} s: the driver hangs.",
    remedy: "Look for `NVRM: Xid` in `journalctl -k`, then reboot the machine (in a cloud: stop and start it).",
  },
  "ollama.driver.no-device": {
    severity: "critical",
    cause: "The NVIDIA driver works and sees no GPU: {problem}.",
    remedy:
      "Check `lspci -d 10de:`. Nothing there: the machine has no GPU; `rev ff` or `GPU is lost`: stop and start it.",
  },
  "ollama.install.foreign": {
    severity: "critical",
    cause: "ollama.service on this machine starts {program}, which is not Ollama's own program.",
    remedy: "Rename or remove that unit when Ollama is to run here under systemd; Fettle does not touch it.",
  },
  "ollama.install.below-floor": {
    severity: "critical",
    cause: "Ollama {found} is older than {floor}: anybody who reaches it can read its memory (CVE-2026-7482).",
    remedy:
      "Declare `modelServers[].version: {proposed}` and apply: Fettle replaces it, its sum checked. By hand: `curl -fsSL https://ollama.com/install.sh | OLLAMA_VERSION={proposed} sh`.",
  },
  "ollama.install.incomplete": {
    severity: "critical",
    cause: "The Ollama on this machine is not whole ({missing} is missing) and was not installed by Fettle.",
    remedy:
      "Run its installer again: `curl -fsSL https://ollama.com/install.sh | sh`. Or remove {program}: Fettle installs Ollama then.",
  },
  "ollama.install.no-archive": {
    severity: "critical",
    cause: "No sum is known for the archive of Ollama {version} for {arch}.",
    remedy:
      "Add its sha256 under `policy.ollama.archives` in /etc/fettle/agent.yaml, or declare another `modelServers[].version`.",
  },
  "ollama.install.disk-full": {
    severity: "critical",
    cause: "To install Ollama {needed} are needed at {folder}, and {free} are free.",
    remedy: "Free space there or enlarge the disk; the installation starts by itself then.",
  },
  "ollama.install.download-failed": {
    severity: "warning",
    cause: "Ollama's archive could not be downloaded from {url}: {problem}.",
    remedy:
      "Check the way from this machine to that address, or name a mirror in `policy.ollama.source` of agent.yaml.",
  },
  "ollama.install.sum-differs": {
    severity: "critical",
    cause: "What {url} serves is not the archive that is known: its sha256 is {found}, expected is {wanted}.",
    remedy:
      "Compare with the release's sha256sum.txt. A mirror or proxy may serve another file; nothing was installed from it. Fettle tries again in an hour, or on `fettle repair NODE/ollama.install`.",
  },
  "ollama.install.unpack-failed": {
    severity: "critical",
    cause: "Ollama's archive could not be unpacked: {problem}.",
    remedy: "Read `journalctl -u fettle-ollama-unpack.service`; what ran before still runs. Fettle tries again.",
  },
  "ollama.install.user-failed": {
    severity: "critical",
    cause: "The user that Ollama runs as could not be made: {problem}.",
    remedy: "Make it: `useradd -r -s /bin/false -U -m -d /usr/share/ollama ollama`.",
  },
  "ollama.install.old-library": {
    severity: "info",
    cause: "{folder} belongs to an Ollama that was replaced, and is not used any more.",
    remedy: "Free the space with `rm -r {folder}` once the new version has proved itself.",
  },
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
    remedy: "Nothing, if ollama.install is under way; else look at it: `fettle describe NODE/ollama.install`.",
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
    remedy: "Nothing, if ollama.service is being repaired; else look at it: `fettle describe NODE/ollama.service`.",
    dependsOn: ["ollama.service.crashing", "ollama.service.masked", "ollama.service.absent"],
  },
  "ollama.listening.no-answer": {
    severity: "warning",
    cause: "Ollama on {address} could not be asked for its models: {problem}.",
    remedy: "Nothing, if it is being started or repaired; else look at ollama.service and ollama.listening.",
    dependsOn: [
      "ollama.service.crashing",
      "ollama.service.masked",
      "ollama.service.absent",
      "ollama.listening.port-held",
    ],
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
    remedy: "Correct the name or tag in `modelServers[].models`; the registry's page lists them (ollama.com/library).",
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
    remedy: "Fettle tries again, later each time; `journalctl -u ollama.service` has Ollama's own words.",
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
