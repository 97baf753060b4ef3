import { execute } from "../command.ts";
import { LabError } from "../lab-error.ts";

/** How a shell splits a printed command into words, with the words in capitals replaced as its reader does. */
export async function wordsOf(printed: string, own: Record<string, string>): Promise<string[]> {
  const line = Object.entries(own).reduce(
    (text, [name, value]) => text.replaceAll(new RegExp(`\\b${name}\\b`, "g"), value),
    printed,
  );
  const shown = 'show() { printf "%s\\0" "$@"; }; aws() { show aws "$@"; }; gcloud() { show gcloud "$@"; };';
  const { code, stdout, stderr } = await execute(["/bin/sh", "-ec", `${shown} ${line}`], { env: { PATH: "/nowhere" } });
  if (code !== 0 || stderr !== "") throw new LabError("lab.cloud.command", `a shell says ${stderr} to ${line}`);
  return stdout.split("\0").slice(0, -1);
}

/** `--name value…` of a cloud's command line; an option that it does not know, or one given twice, is an error. */
export function optionsOf(words: readonly string[], known: readonly string[]): Map<string, string[]> {
  const options = new Map<string, string[]>();
  let values: string[] | undefined;
  for (const word of words) {
    if (!word.startsWith("--")) {
      if (values === undefined) throw new LabError("lab.cloud.command", `${word} belongs to no option`);
      values.push(word);
      continue;
    }
    const name = word.slice(2);
    if (!known.includes(name) || options.has(name))
      throw new LabError("lab.cloud.command", `${word} is not known, or twice`);
    values = [];
    options.set(name, values);
  }
  return options;
}

/** The one value of an option that has to be there. */
export function one(options: ReadonlyMap<string, string[]>, name: string): string {
  const values = options.get(name);
  const [value] = values ?? [];
  if (value === undefined || values?.length !== 1) throw new LabError("lab.cloud.command", `--${name} takes one value`);
  return value;
}
