import { parseArgs } from "node:util";
import { down } from "./commands/down.ts";
import { shell } from "./commands/shell.ts";
import { test } from "./commands/test.ts";
import { up } from "./commands/up.ts";
import { readConfig } from "./config.ts";
import { LabError } from "./lab-error.ts";

const usage = "npm run lab -- up | down | test [--full] | shell NODE [COMMAND…]   [--name NAME] [--subnet CIDR]";
const options = { name: { type: "string" }, subnet: { type: "string" }, base: { type: "string" } } as const;

async function main(args: string[]): Promise<number> {
  // What follows `shell NODE` is that host's command, with options of its own.
  const own = args.includes("shell") ? args.slice(0, args.indexOf("shell") + 2) : args;
  const { values, positionals } = parseArgs({
    args: own,
    options: { ...options, full: { type: "boolean" } },
    allowPositionals: true,
  });
  const config = readConfig(values, process.env);
  const [command, node = ""] = positionals;
  if (command === "shell") return shell(config, node, args.slice(own.length));
  if (command === "test") return test(config, values.full === true);
  if (command === "up") await up(config);
  else if (command === "down") await down(config);
  else throw new LabError("lab.usage", usage);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(error instanceof LabError ? `${error.code}: ${error.message}\n` : `${error}\n${usage}\n`);
  process.exitCode = 1;
}
