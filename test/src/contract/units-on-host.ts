import { Bench } from "@fettle/agent/system/contract/bench.ts";
import { makeRealHost } from "@fettle/agent/system/real/host.ts";
import { unitsCases } from "@fettle/agent/system/units.contract.ts";

/** Runs the units' cases on this machine, which has systemd; root only. Prints TAP. */
const host = makeRealHost();
const wanted = process.argv[2] ?? "";
const cases = unitsCases.filter(({ name }) => name.includes(wanted));
/** The journal keeps what units of the same name said in an earlier run. */
const run = Date.now().toString(36);
let failed = 0;
process.stdout.write(`TAP version 14\n1..${cases.length}\n`);
for (const [index, { name, run: prove }] of cases.entries()) {
  const bench = new Bench(host, `fettle-case-${run}-${index + 1}`);
  const problem = await problemOf(() => prove(bench));
  const left = await problemOf(() => bench.clean());
  if (problem || left) failed += 1;
  process.stdout.write(`${problem || left ? "not ok" : "ok"} ${index + 1} - ${name}\n`);
  for (const text of [problem, left]) if (text) process.stdout.write(text.replace(/^/gm, "  # ").concat("\n"));
}
process.exitCode = failed === 0 ? 0 : 1;

async function problemOf(work: () => Promise<void>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
