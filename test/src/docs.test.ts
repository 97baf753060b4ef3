import { readFileSync } from "node:fs";
import { type Code, codes } from "@fettle/shared/codes/codes.ts";
import t from "tap";
import { isCurrent, pages } from "../../scripts/docs.ts";

t.test("the pages that are written from the code are current", async (t) => {
  for (const [name, page] of Object.entries(pages))
    t.ok(isCurrent(name, page()), `docs/${name}: run node scripts/docs.ts`);
});

t.test("every code is documented, and every documented code is there", async (t) => {
  const text = readFileSync(new URL("../../docs/codes.md", import.meta.url), "utf8");
  const documented = [...text.matchAll(/^### (\S+)$/gm)].map((match) => match[1]);
  t.same(documented.sort(), Object.keys(codes).sort());
});

t.test("codes are well-formed, say what to do, and explain each other with codes that exist", async (t) => {
  for (const [code, { cause, remedy, dependsOn = [] }] of Object.entries(codes)) {
    t.match(code, /^[a-z][a-z0-9-]*(\.[a-z0-9-]+){1,2}$/, code);
    t.ok(cause.trim() !== "" && remedy.trim() !== "", `${code}: cause and remedy`);
    for (const other of dependsOn) t.ok(Object.hasOwn(codes, other as Code), `${code} depends on ${other}`);
  }
});
