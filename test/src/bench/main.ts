import { parseArgs } from "node:util";
import { idleBench, idleTable } from "./idle.ts";
import { noopBench, noopTable } from "./noop.ts";
import { repairBench, repairTable } from "./repair.ts";

const { values, positionals } = parseArgs({
  options: { json: { type: "boolean" }, times: { type: "string" }, seconds: { type: "string" } },
  allowPositionals: true,
});
const say = (line: string) => void process.stderr.write(`${line}\n`);
const print = (rows: readonly object[], text: string) => {
  const name = positionals[0] ?? "";
  process.stdout.write(`${values.json ? JSON.stringify({ schema: `fettle.dev/bench-${name}/v1`, rows }) : text}\n`);
};

if (positionals[0] === "repair") {
  const rows = await repairBench(Number(values.times ?? 20), say);
  print(rows, repairTable(rows));
} else if (positionals[0] === "idle") {
  const rows = await idleBench(Number(values.seconds ?? 300), say);
  print(rows, idleTable(rows));
} else if (positionals[0] === "noop") {
  const rows = await noopBench(Number(values.times ?? 100), say);
  print(rows, noopTable(rows));
} else {
  say("usage: npm run bench -- repair [--times 20] | idle [--seconds 300] | noop [--times 100]   (--json)");
  process.exitCode = 1;
}
