import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./bundle.ts";

/** `npm test`: format and lint, types, then every test; ends with `N passed, N failed`. */
const bin = (name: string) => join(ROOT, "node_modules/.bin", name);

function step(name: string, argv: readonly [string, ...string[]]): { ok: boolean; output: string } {
  const startedAt = Date.now();
  process.stdout.write(`${name} …\n`);
  const { status, stdout, stderr } = spawnSync(argv[0], argv.slice(1), {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`${name}: ${status === 0 ? "ok" : "failed"} in ${seconds} s\n`);
  return { ok: status === 0, output: `${stdout}${stderr}` };
}

let passed = 0;
let failed = 0;
const checks: Array<[string, [string, ...string[]]]> = [
  ["format and lint", [bin("biome"), "ci", "--diagnostic-level=error", "."]],
  ["types", [bin("tsc"), "--noEmit", "-p", "tsconfig.json"]],
];
for (const [name, argv] of checks) {
  const { ok, output } = step(name, argv);
  if (ok) passed += 1;
  else {
    failed += 1;
    process.stdout.write(`${output.slice(-8_000)}\n`);
  }
}

const build = step("test runner", [bin("tap"), "build"]);
if (!build.ok) process.stdout.write(build.output);
const tests = step("tests", [bin("tap"), "run", "-R", "tap", ...process.argv.slice(2)]);
const total = /^# \{ total: (\d+)(?:, pass: (\d+))?(?:, fail: (\d+))?/m.exec(
  tests.output.split("\n").reverse().join("\n"),
);
passed += Number(total?.[2] ?? 0);
failed += Number(total?.[3] ?? (total ? 0 : 1));
if (!tests.ok) {
  if (!total?.[3]) failed += 1;
  process.stdout.write(`${failures(tests.output)}\n`);
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);

/** Each failing point with what follows it, so that the log says why. */
function failures(output: string): string {
  const lines = output.split("\n");
  const wanted = new Set<number>();
  lines.forEach((line, at) => {
    if (/^\s*not ok/.test(line) || /^\s*(Error|TypeError|.*Bail out)/.test(line))
      for (let next = at; next < Math.min(at + 25, lines.length); next += 1) wanted.add(next);
  });
  return lines
    .filter((_, at) => wanted.has(at))
    .slice(0, 600)
    .join("\n");
}
