import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "@fettle/shared/lib/must.ts";
import type { Metafile } from "esbuild";
import t from "tap";
import { agentEntries } from "../../../scripts/build.ts";
import { bundle } from "../../../scripts/bundle.ts";
import { SANDBOX_AGENT_ENTRIES } from "./programs.ts";

/** Source files of ours and packages that went into a bundle. */
function modulesOf(meta: Metafile): Set<string> {
  const inputs = Object.keys(meta.inputs).filter((input) => !input.startsWith("builtin:"));
  return new Set(inputs.map((input) => /node_modules\/(?:\.pnpm\/)?([^/]+)/.exec(input)?.[1] ?? input));
}

t.test("the sandbox's agent is the shipped one: only main and agent/system differ", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fettle-bundles-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const build = (entries: Readonly<Record<string, string>>, name: string) =>
    bundle({ entries, folder: join(folder, name), from: "agent" });
  const shipped = modulesOf(await build(agentEntries, "shipped"));
  const sandbox = modulesOf(await build(SANDBOX_AGENT_ENTRIES, "sandbox"));
  t.ok(shipped.size > 150, `${shipped.size} modules`);
  const only = (a: Set<string>, b: Set<string>) => [...a].filter((one) => !b.has(one)).sort();
  const ours = (path: string) => path.includes("/src/");
  t.same(
    only(shipped, sandbox).filter((path) => ours(path) && !/^agent\/src\/(main\.ts$|system\/)/.test(path)),
    [],
    "nothing of the shipped agent is missing from the sandbox's",
  );
  t.same(
    only(sandbox, shipped).filter((path) => ours(path) && !/^test\/src\/sandbox\/(agent|host|machine)\//.test(path)),
    [],
    "the sandbox brings only its main and its host",
  );
  t.ok(shipped.has("agent/src/reconcile/loop.ts") && sandbox.has("agent/src/reconcile/loop.ts"), "the loop is in both");
  const system = must(
    [...shipped].find((path) => path === "agent/src/system/real/systemd/units.ts"),
    "the real units",
  );
  t.notOk(sandbox.has(system), "the real unit manager is not in the sandbox's");
});
