import type { Host } from "../../../system/host.ts";

/** What decides which driver packages suit this machine. */
export interface DriverMachine {
  /** `modalias` of each NVIDIA card on the PCI bus, as in `pci:v000010DEd00001EB8sv…bc03sc02i00`. */
  readonly cards: readonly string[];
  /** `ID` of os-release, as in `ubuntu`. */
  readonly os: string;
  /** `VERSION_CODENAME`, as in `bookworm`. */
  readonly release: string;
  /** The running kernel, as in `6.8.0-49-generic`. */
  readonly kernel: string;
  readonly bootId: string;
  readonly secureBoot: boolean;
}

const PCI = "/sys/bus/pci/devices";
const NVIDIA = "0x10de";
/** VGA, 3D and other display controllers; the same cards have sound and USB parts too. */
const DISPLAY = /^0x03/;
/** Four bytes of attributes, then one that says it. */
const SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

export async function driverMachine(host: Host): Promise<DriverMachine> {
  const [cards, release, facts, secureBoot] = await Promise.all([
    nvidiaCards(host),
    osRelease(host),
    host.metrics.facts(),
    host.files.readText(SECURE_BOOT).catch(() => null),
  ]);
  const { kernel, bootId } = facts;
  return { cards, ...release, kernel, bootId, secureBoot: secureBoot?.endsWith("\u0001") === true };
}

export async function nvidiaCards({ files }: Host): Promise<string[]> {
  const cards: string[] = [];
  for (const device of (await files.list(PCI)) ?? []) {
    const read = async (name: string) => ((await files.readText(`${PCI}/${device}/${name}`)) ?? "").trim();
    if ((await read("vendor")) !== NVIDIA || !DISPLAY.test(await read("class"))) continue;
    cards.push(await read("modalias"));
  }
  return cards;
}

async function osRelease({ files }: Host): Promise<Pick<DriverMachine, "os" | "release">> {
  const text = (await files.readText("/etc/os-release")) ?? (await files.readText("/usr/lib/os-release")) ?? "";
  const value = (key: string) => new RegExp(`^${key}="?([^"\\n]*)"?$`, "m").exec(text)?.[1] ?? "";
  return { os: value("ID"), release: value("VERSION_CODENAME") };
}
