/** What is pinned at first use: where this machine's GitLab is, and where it may send prompts. */
export const PIN_KINDS = ["gitlab.url", "gitlab.gateway", "gitlab.model-servers", "gateway.gitlab"] as const;
export type PinKind = (typeof PIN_KINDS)[number];

/** Kind -> the hosts of its first use; absent before that. */
export type Pins = Readonly<Partial<Record<PinKind, readonly string[]>>>;

/** The agent's `kept` table, as far as pins need it. */
export interface KeptPins {
  get(resource: string, key: string): string | null;
  set(resource: string, key: string, value: string): void;
}

const RESOURCE = "agent.policy";

export function readPins(kept: KeptPins): Pins {
  const pins: Partial<Record<PinKind, readonly string[]>> = {};
  for (const kind of PIN_KINDS) {
    const value = kept.get(RESOURCE, kind);
    if (value !== null) pins[kind] = value.split("\n");
  }
  return pins;
}

/** Writes the pins of a first use; one that is there already stays as it is. */
export function keepPins(kept: KeptPins, pins: Pins): void {
  for (const kind of PIN_KINDS) {
    const hosts = pins[kind];
    if (hosts !== undefined && hosts.length > 0 && kept.get(RESOURCE, kind) === null)
      kept.set(RESOURCE, kind, hosts.join("\n"));
  }
}
