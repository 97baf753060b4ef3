import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type Import, importsOf } from "./imports.ts";
import { MACHINE, ROOMS, type Room } from "./rooms.ts";

const ROOT = join(import.meta.dirname, "../../..");

function roomOf(path: string): Room | undefined {
  const fits = ROOMS.filter((room) => path === room.path || path.startsWith(`${room.path}/`));
  return fits.sort((a, b) => b.path.length - a.path.length)[0];
}

const isTest = (file: string) => /\.test\.ts$|\.contract\.ts$|\.cases\.ts$/.test(file);

/** Why an import breaks a wall, or null. */
function breach({ file, target, type }: Import): string | null {
  const room = roomOf(file);
  if (!room) return `${file} is in no room`;
  if (MACHINE.includes(target) && !type && !room.machine?.includes(target))
    return `${file} uses ${target}: ${room.why}`;
  const to = roomOf(target);
  if (!to || room.values.includes("*") || room === to) return null;
  const fits = (paths: readonly string[]) => paths.some((path) => target === path || target.startsWith(`${path}/`));
  if (fits(room.values) || (type && fits(room.types ?? []))) return null;
  return `${file} imports ${target}${type ? " as a type" : ""}: ${room.why}`;
}

t.test("every import keeps to the walls", async (t) => {
  const imports = importsOf(ROOT).filter(({ file }) => !isTest(file));
  t.ok(imports.length > 500, "the imports were found");
  t.same(
    imports.flatMap((one) => breach(one) ?? []),
    [],
  );
});

t.test("no rule names a room that is gone", async (t) => {
  for (const { path, values, types = [] } of ROOMS)
    for (const one of [path, ...values, ...types]) if (one !== "*") t.ok(existsSync(join(ROOT, one)), one);
});

t.test("main is imported by nobody, context only where programs are put together, test by nobody else", async (t) => {
  for (const { file, target, type } of importsOf(ROOT)) {
    if (/^(agent|coordinator)\/src\/main\.ts$/.test(target)) t.fail(`${file} imports ${target}`);
    const composes =
      isTest(file) || /(^|\/)main\.ts$|^test\/|^agent\/src\/program\.ts$|^coordinator\/src\/serve\.ts$/.test(file);
    if (/^(agent|coordinator)\/src\/context\.ts$/.test(target) && !type && !composes)
      t.fail(`${file} imports ${target} as a value`);
    if (target.startsWith("test/") && !file.startsWith("test/")) t.fail(`${file} imports ${target}`);
  }
});

t.test("files stay small, and there are no barrels", async (t) => {
  const files = globSync(
    ["shared", "agent", "coordinator", "test", "scripts"].map((folder) => `${folder}/**/*.ts`),
    { cwd: ROOT },
  );
  const sources = files.filter((file) => !file.includes("node_modules"));
  const lines = sources.map((file) => ({ file, count: readFileSync(join(ROOT, file), "utf8").split("\n").length }));
  t.same(
    lines.filter(({ file, count }) => count > 401 && !isTest(file) && !file.startsWith("test/")),
    [],
    "none over 400 lines",
  );
  const median = lines.map(({ count }) => count).sort((a, b) => a - b)[Math.floor(lines.length / 2)] ?? 0;
  t.ok(median <= 81, `the median is ${median}`);
  t.same(
    sources.filter((file) => /(^|\/)index\.ts$/.test(file)),
    [],
    "no index.ts",
  );
  t.same(
    sources.filter((file) => !/^[a-z0-9./-]+\.ts$/.test(file)),
    [],
    "kebab-case",
  );
});
