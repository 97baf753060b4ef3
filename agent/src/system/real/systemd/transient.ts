import { Variant } from "@jellybrick/dbus-next";
import type { TransientUnit } from "../../units.ts";

/** Numbers that systemd takes in another type than the usual unsigned 64 bits. */
const NUMBER_TYPES: Readonly<Record<string, string>> = {
  Nice: "i",
  OOMScoreAdjust: "i",
  IOSchedulingClass: "i",
  IOSchedulingPriority: "i",
  CPUSchedulingPriority: "i",
  UMask: "u",
};
/** Settings that are lists; given as words with a space between. */
const LISTS = ["ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "SupplementaryGroups", "After", "Wants"];

/** `a(sv)`: the unit's settings as StartTransientUnit takes them. */
export function transientProperties(program: string, unit: TransientUnit): readonly (readonly [string, Variant])[] {
  const settings = new Map<string, Variant>([
    ["Description", new Variant("s", unit.description)],
    // The job ends when the program has been executed, so that one that cannot be is a failed job.
    ["Type", new Variant("s", "exec")],
    ["RemainAfterExit", new Variant("b", true)],
    ["ExecStart", new Variant("a(sasb)", [[program, [program, ...unit.argv.slice(1)].map(literal), false]])],
    [
      "Environment",
      new Variant(
        "as",
        Object.entries(unit.env ?? {}).map(([key, value]) => `${key}=${value}`),
      ),
    ],
  ]);
  if (unit.user !== undefined) settings.set("User", new Variant("s", unit.user));
  for (const [name, value] of Object.entries(unit.properties ?? {})) settings.set(...setting(name, value));
  return [...settings];
}

/** systemd expands `$NAME` in a command line; `$$` is a dollar. */
function literal(argument: string): string {
  return argument.replaceAll("$", "$$$$");
}

function setting(name: string, value: string | boolean | number): [string, Variant] {
  if (typeof value === "boolean") return [name, new Variant("b", value)];
  if (typeof value === "string") return [name, LISTS.includes(name) ? words(value) : new Variant("s", value)];
  const type = NUMBER_TYPES[name];
  if (type !== undefined) return [name, new Variant(type, value)];
  // On the bus a time is `…USec` in microseconds; in a unit file the same is `…Sec`.
  if (/[^U]Sec$/.test(name)) return [name.replace(/Sec$/, "USec"), new Variant("t", BigInt(Math.round(value * 1e6)))];
  return [name, new Variant("t", BigInt(value))];
}

function words(value: string): Variant {
  return new Variant("as", value.split(/\s+/).filter(Boolean));
}
