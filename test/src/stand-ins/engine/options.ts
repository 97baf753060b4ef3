/** The program's settings: arguments, or the variables of the same names. */
import { parseArgs } from "node:util";
import type { EngineOptions } from "./engine.ts";

const NAMES = ["socket", "root", "images", "control", "curl", "host-root", "api-version", "min-api-version"] as const;

/** `--socket PATH --root DIR --images FILE [--control PATH] [--curl FILE] [--host-root DIR] …`, or ENGINE_SOCKET and so on. */
export function readOptions(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): EngineOptions {
  const options = Object.fromEntries(NAMES.map((name) => [name, { type: "string" as const }]));
  const { values } = parseArgs({ args: [...argv], options });
  const given = (name: (typeof NAMES)[number]): string | undefined => {
    const value = values[name] ?? env[`ENGINE_${name.toUpperCase().replaceAll("-", "_")}`];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const control = given("control");
  const curl = given("curl");
  const hostRoot = given("host-root");
  const apiVersion = given("api-version");
  const minApiVersion = given("min-api-version");
  return {
    socket: needed(given("socket"), "--socket"),
    root: needed(given("root"), "--root"),
    images: needed(given("images"), "--images"),
    ...(control === undefined ? {} : { control }),
    ...(curl === undefined ? {} : { curl }),
    ...(hostRoot === undefined ? {} : { hostRoot }),
    release: {
      ...(apiVersion === undefined ? {} : { apiVersion }),
      ...(minApiVersion === undefined ? {} : { minApiVersion }),
    },
  };
}

function needed(value: string | undefined, name: string): string {
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
}
