import type { CodeFile } from "./code.ts";

/** Codes of `driver: install`: the distribution's NVIDIA driver, put there and brought to work. */
export const ollamaDriverCodes = {
  "ollama.driver.reboot": {
    severity: "critical",
    cause: "The NVIDIA driver {branch} is installed and works only after a reboot: {problem}.",
    remedy:
      "When the machine may go down for a minute: `fettle approve NODE/ID`; Fettle reboots it once then. Or run `reboot` on it.",
  },
  "ollama.driver.no-gpu": {
    severity: "critical",
    cause: "The stack says `driver: install`, and this machine has no NVIDIA card on its PCI bus.",
    remedy:
      "Check `lspci -d 10de:` and the machine's type; without a card set `driver: report` and `minGpuPercent: 0`.",
  },
  "ollama.driver.no-apt": {
    severity: "critical",
    cause: "Fettle installs the NVIDIA driver with apt, and this machine has none.",
    remedy: "Install the distribution's driver of branch {floor} or newer by hand, reboot, and set `driver: report`.",
  },
  "ollama.driver.no-package": {
    severity: "critical",
    cause: "This machine's package sources have no NVIDIA server driver of branch {floor} or newer for its card.",
    remedy:
      "Run `apt-get update && apt-cache search --names-only 'nvidia-driver-.*-server'`. Ubuntu: enable the component restricted (`add-apt-repository restricted`).",
  },
  "ollama.driver.non-free": {
    severity: "critical",
    cause: "Debian's NVIDIA driver is in non-free, which this machine's package sources do not name.",
    remedy:
      "Add `contrib non-free non-free-firmware` after `main` in /etc/apt/sources.list (or in `Components:` of /etc/apt/sources.list.d/debian.sources) and run `apt-get update`. Fettle never edits sources.",
  },
  "ollama.driver.distribution-too-old": {
    severity: "critical",
    cause:
      "The distribution's NVIDIA driver is {found}; Ollama {ollama} needs {floor} or newer, and otherwise computes on the CPU.",
    remedy:
      "Enable {release}-backports and run `apt-get install -t {release}-backports nvidia-driver`, or install NVIDIA's own packages; then `reboot`. See what there is: `apt-cache madison nvidia-driver`.",
  },
  "ollama.driver.secure-boot": {
    severity: "critical",
    cause: "Secure Boot is on, and the kernel {kernel} takes no driver module that is compiled here: {problem}.",
    remedy:
      "Run a kernel of the distribution with signed modules (Ubuntu: `apt-get install linux-generic`, reboot); or enrol the key: `mokutil --import /var/lib/dkms/mok.pub` (Ubuntu: /var/lib/shim-signed/mok/MOK.der) and reboot at its console; or turn Secure Boot off.",
  },
  "ollama.driver.no-headers": {
    severity: "critical",
    cause: "The driver has to be compiled for the kernel {kernel}, and there is no package linux-headers-{kernel}.",
    remedy:
      "Boot the distribution's newest kernel (`apt-get update && apt-get dist-upgrade`, then `reboot`); Fettle goes on by itself.",
  },
  "ollama.driver.no-module": {
    severity: "critical",
    cause:
      "The driver {branch} is installed, and its module does not load into the kernel {kernel}, also after a reboot: {problem}.",
    remedy:
      "See `modprobe nvidia` and `journalctl -k -b`. No module for this kernel: `dkms autoinstall -k {kernel}`; nouveau in the way: `update-initramfs -u`, then `reboot`.",
  },
  "ollama.driver.held": {
    severity: "critical",
    cause: "The NVIDIA packages are held: {problem}.",
    remedy: "Somebody wants them to stay. If that is over: `apt-mark unhold` them; Fettle goes on by itself.",
  },
  "ollama.driver.downgrade": {
    severity: "critical",
    cause: "The distribution's driver is older than what is installed: {problem}.",
    remedy:
      "Fettle never goes back. See `apt-cache policy` of that package: remove it by hand, or update it from where it came.",
  },
  "ollama.driver.would-remove": {
    severity: "critical",
    cause: "Installing the driver would remove other packages: {problem}.",
    remedy: "See `apt-get --simulate install {packages}`, decide about those packages, and install by hand.",
  },
  "ollama.driver.foreign": {
    severity: "critical",
    cause:
      "The NVIDIA driver {found} here is below {floor} and did not come from a package of this distribution ({origin}).",
    remedy:
      "Remove it the way it came (`nvidia-uninstall`, or `apt-get purge` of its packages); Fettle installs the distribution's then.",
  },
  "ollama.driver.compile": {
    severity: "critical",
    cause: "The driver's module could not be compiled: {problem}.",
    remedy:
      "See `dkms status` and /var/lib/dkms/nvidia*/*/build/make.log; then `dpkg --configure -a` and `fettle repair NODE/ID`.",
  },
  "ollama.driver.apt-locked": {
    severity: "warning",
    cause: "Another program is installing packages: {problem}.",
    remedy: "Wait for it; it is tried again by itself. See who: `fuser -v /var/lib/dpkg/lock-frontend`.",
  },
  "ollama.driver.dpkg-broken": {
    severity: "critical",
    cause: "The packages on this machine are in the middle of something: {problem}.",
    remedy: "Run `dpkg --configure -a && apt-get --fix-broken install`; it is tried again by itself.",
  },
  "ollama.driver.disk-full": {
    severity: "critical",
    cause: "There is no space for the driver: {problem}.",
    remedy: "Make about 2 GB free on / and /var (`df -h`); it is tried again by itself.",
  },
  "ollama.driver.apt-unreachable": {
    severity: "critical",
    cause: "The package sources cannot be reached: {problem}.",
    remedy: "Check `apt-get update`; offline, name a mirror of your own in the sources, or install the driver by hand.",
  },
  "ollama.driver.install-failed": {
    severity: "critical",
    cause: "The driver could not be installed: {problem}.",
    remedy: "See the run's log (`fettle get runs --node NODE`, `fettle logs RUN`) and /var/log/apt/term.log.",
  },
} as const satisfies CodeFile;
