const UNITS = "/org/freedesktop/systemd1/unit/";

/** The object of a unit on the bus. systemd loads the unit when somebody asks for a property of it. */
export function unitPath(unit: string): string {
  return UNITS + (unit === "" ? "_" : [...Buffer.from(unit, "latin1")].map(escaped).join(""));
}

/** Letters stay, digits too but for the first place; every other byte is its two hex digits. */
function escaped(byte: number, at: number): string {
  const character = String.fromCharCode(byte);
  const stays = at === 0 ? /[A-Za-z]/ : /[A-Za-z0-9]/;
  return stays.test(character) ? character : `_${byte.toString(16).padStart(2, "0")}`;
}
