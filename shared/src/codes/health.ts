import type { CodeFile } from "./code.ts";

const FREE = "Free space there";

/** Findings about a machine's health, apart from what is declared for it. */
export const healthCodes = {
  "health.disk-low": {
    severity: "warning",
    cause: "{mount} has {percent} % free ({free}).",
    remedy: `${FREE} before it fills up: models, images and logs all stop on a full disk.`,
  },
  "health.disk-full": {
    severity: "critical",
    cause: "{mount} has only {percent} % free ({free}).",
    remedy: `${FREE} now: pulls, logs and databases fail on a full disk.`,
  },
  "health.inodes-low": {
    severity: "warning",
    cause: "{mount} has {percent} % of its inodes free.",
    remedy: "Remove many small files there: `df -i` shows the shortage, though `df` looks well.",
  },
  "health.inodes-full": {
    severity: "critical",
    cause: "{mount} has only {percent} % of its inodes free.",
    remedy: "Remove many small files there now: no new file can be made though space is left.",
  },
  "health.memory-low": {
    severity: "warning",
    cause: "Only {percent} % of the memory is available ({free}).",
    remedy: "See what uses it (`ps aux --sort=-rss | head`); the kernel ends processes when it runs out.",
  },
  "health.memory-full": {
    severity: "critical",
    cause: "Only {percent} % of the memory is available ({free}).",
    remedy: "End what does not belong here, or give the machine more memory: the kernel ends processes next.",
  },
  "health.load-high": {
    severity: "warning",
    cause: "The load is {load} on {cores} cores.",
    remedy: "See what runs (`top`); answers become slow.",
  },
  "health.gpu-hung": {
    severity: "critical",
    cause: "nvidia-smi did not answer within {seconds} s: the graphics driver hangs.",
    remedy:
      "Look for `NVRM: Xid` in `journalctl -k`; most often only a reboot helps. Fettle does not ask the driver again until then.",
  },
  "health.gpu-slow": {
    severity: "warning",
    cause: "nvidia-smi did not answer within {seconds} s and was ended; Fettle asks again in {minutes} minutes.",
    remedy: "Enable nvidia-persistenced; if it stays, look for `NVRM: Xid` in `journalctl -k`.",
  },
  "health.gpu-driver-not-loaded": {
    severity: "critical",
    cause: "The NVIDIA driver is not loaded, so models run on the CPU.",
    remedy:
      "After a kernel update install the new kernel's headers, run `dkms autoinstall`, then `modprobe -a nvidia nvidia_uvm`; check Secure Boot.",
  },
  "health.gpu-driver-mismatch": {
    severity: "critical",
    cause:
      "The NVIDIA driver in the kernel and its libraries are of different versions (an update replaced one of them).",
    remedy: "Reboot this machine.",
  },
  "health.gpu-lost": {
    severity: "critical",
    cause: "A graphics card fell off the bus.",
    remedy:
      "Reboot this machine; if it comes back, the card or its slot is broken. In a cloud, stop and start the instance.",
  },
  "health.gpu-reset": {
    severity: "critical",
    cause: "The graphics card {index} ({name}) needs a reset: the driver says {problem}.",
    remedy: "Reboot this machine.",
  },
  "health.gpu-none": {
    severity: "warning",
    cause: "nvidia-smi is installed, but finds no graphics card.",
    remedy: "Check `lspci -d 10de:`; in a cloud, check the instance type.",
  },
  "health.gpu-inforom": {
    severity: "warning",
    cause: "A graphics card says that its infoROM is corrupted.",
    remedy: "Plan to have the card replaced.",
  },
  "health.gpu-failed": {
    severity: "warning",
    cause: "nvidia-smi failed ({problem}).",
    remedy: "Run `nvidia-smi` on the machine.",
  },
  "health.port-closed": {
    severity: "warning",
    cause: "{service} on {peer} ({address}) is {result} from here.",
    remedy: "If refused, look at the service on {peer}; if filtered, open the port in the firewall between the two.",
  },
  "health.certificate-expiring": {
    severity: "warning",
    cause: "This agent's certificate ends in {days} days.",
    remedy:
      "Enrol this machine anew before that: `fettle node remove NODE` and `fettle token create --node NODE` on the coordinator's machine, `fettle-agent enrol` here.",
  },
  "health.certificate-expired": {
    severity: "critical",
    cause: "This agent's certificate has ended or ends within a week ({days} days left).",
    remedy:
      "Enrol this machine anew: `fettle node remove NODE` and `fettle token create --node NODE` on the coordinator's machine, `fettle-agent enrol` here.",
  },
  "health.unknown": {
    severity: "warning",
    cause: "{what} could not be measured: {problem}.",
    remedy: "Read the agent's journal: `journalctl -u fettle-agent`.",
  },
  "clock.skew": {
    severity: "warning",
    cause: "This machine's clock differs by {seconds} s from the coordinator's.",
    remedy:
      "Run `timedatectl` on both and enable time synchronisation: the gateway refuses GitLab's tokens when clocks differ.",
  },
} as const satisfies CodeFile;
