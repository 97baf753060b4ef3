import type { CommandOptions, CommandResult } from "./command.ts";
import { execute, run } from "./command.ts";

/** Everything that a lab makes carries this label, with the lab's name as its value. */
export const label = "dev.fettle.lab";

export function docker(args: string[], options?: CommandOptions): Promise<string> {
  return run(["docker", ...args], options);
}

export function tryDocker(args: string[], options?: CommandOptions): Promise<CommandResult> {
  return execute(["docker", ...args], options);
}

/** One field of an object, by the Engine's template; undefined where there is no such object. */
export async function inspect(kind: "container" | "image" | "network", name: string, template: string) {
  const result = await tryDocker([kind, "inspect", "--format", template, name]);
  return result.code === 0 ? result.stdout.trim() : undefined;
}

/** The names of what carries the lab's label. */
export async function labelled(kind: "container" | "network" | "volume", lab: string): Promise<string[]> {
  const all = kind === "container" ? ["--all"] : [];
  const field = kind === "container" ? "{{.Names}}" : "{{.Name}}";
  const printed = await docker([kind, "ls", ...all, "--filter", `label=${label}=${lab}`, "--format", field]);
  return printed.split("\n").filter((line) => line !== "");
}
