import { parseArgs } from "node:util";
import { down } from "./commands/down.ts";
import { fettle } from "./commands/fettle.ts";
import { shell } from "./commands/shell.ts";
import { test } from "./commands/test.ts";
import { testInstall } from "./commands/test-install.ts";
import { up } from "./commands/up.ts";
import { readConfig } from "./config.ts";
import { LabError } from "./lab-error.ts";

const usage =
  "npm run lab -- up | down | test [--install] [--full] | shell NODE [COMMAND…] | fettle ARGS…   [--name NAME] [--subnet CIDR]";
const options = { name: { type: "string" }, subnet: { type: "string" }, base: { type: "string" } } as const;

async function main(args: string[]): Promise<number> {
  const own = ownWords(args);
  const { values, positionals } = parseArgs({
    args: own,
    options: { ...options, full: { type: "boolean" }, install: { type: "boolean" } },
    allowPositionals: true,
  });
  const config = readConfig(values, process.env);
  const [command, node = ""] = positionals;
  if (command === "shell") return shell(config, node, args.slice(own.length));
  if (command === "fettle") return fettle(config, args.slice(own.length));
  if (command === "test" && values.install === true) return testInstall(config, values.full === true);
  if (command === "test") return test(config, values.full === true);
  if (command === "up") await up(config);
  else if (command === "down") await down(config);
  else throw new LabError("lab.usage", usage);
  return 0;
}

/** What follows `shell NODE` or `fettle` is another program's, with options of its own. */
function ownWords(args: string[]): string[] {
  const foreign = args.findIndex((word) => word === "shell" || word === "fettle");
  if (foreign < 0) return args;
  return args.slice(0, foreign + (args[foreign] === "shell" ? 2 : 1));
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(error instanceof LabError ? `${error.code}: ${error.message}\n` : `${error}\n${usage}\n`);
  process.exitCode = 1;
}
