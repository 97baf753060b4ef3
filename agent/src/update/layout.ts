/** Where the agent's program and what belongs to it lie. */
export interface UpdateLayout {
  /** A folder per version, and the links `current` and `previous`. */
  readonly programs: string;
  /** The units that an administrator installs. */
  readonly units: string;
  /** The agent's own data. */
  readonly data: string;
}

export const AGENT_UNIT = "fettle-agent.service";
export const GUARD_UNIT = "fettle-agent-guard.service";
/** Every unit that a release may bring. */
export const UNITS = [AGENT_UNIT, GUARD_UNIT] as const;

export function updateLayout(dataFolder: string): UpdateLayout {
  return { programs: "/opt/fettle-agent", units: "/etc/systemd/system", data: dataFolder };
}

/** What makes the guard start with the machine; there only while a version is being tried. */
export function guardLink({ units }: UpdateLayout): string {
  return `${units}/multi-user.target.wants/${GUARD_UNIT}`;
}
