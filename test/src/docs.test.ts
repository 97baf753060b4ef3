import { existsSync, readdirSync, readFileSync } from "node:fs";
import { parseConfig } from "@fettle/agent/config.ts";
import { CONNECTIONS } from "@fettle/shared/api/words.ts";
import { type Code, codes } from "@fettle/shared/codes/codes.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { RESOURCE_STATES } from "@fettle/shared/protocol/resource-report.ts";
import t from "tap";
import { isCurrent, pages } from "../../scripts/docs.ts";
import { problemOf } from "./docs/known-commands.ts";
import { commandsIn } from "./docs/quoted-commands.ts";

const ROOT = new URL("../../", import.meta.url);

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

const PAGES = ["README.md", ...readdirSync(new URL("docs/", ROOT)).map((name) => `docs/${name}`)];
const pageText = (name: string): string => readFileSync(new URL(name, ROOT), "utf8");

t.test("every command that a page or a code quotes is one that the programs take", async (t) => {
  const texts = [
    ...PAGES.map((name) => [name, pageText(name)] as const),
    ...Object.entries(codes).map(([code, { cause, remedy }]) => [code, `${cause} ${remedy}`] as const),
  ];
  const quoted = texts.flatMap(([place, text]) => commandsIn(text).map((command) => ({ place, command })));
  t.ok(quoted.length > 150, `${quoted.length} commands were found`);
  const seen = new Set<string>();
  for (const { place, command } of quoted) {
    if (seen.has(command.text)) continue;
    seen.add(command.text);
    t.equal(await problemOf(command), null, `${place}: ${command.text}`);
  }
});

t.test("a command that is none is noticed", async (t) => {
  const wrong = [
    ["`fettle frobnicate`", "`fettle status --wach`", "`fettle logs a b`"],
    ["`fettle pause gitlab-1`", "`fettle explain no.such-code`", "`fettle-agent explain`", "`fettle-agent why a b`"],
    ["```sh\nFETTLE_RUN=/x npm run --silent fettle -- statsu\n```", "`npm run no-such-script`"],
  ].flat();
  for (const text of wrong) {
    const command = must(commandsIn(text).at(-1), text);
    t.not(await problemOf(command), null, text);
  }
});

t.test("links and paths in the pages lead to files", async (t) => {
  for (const page of PAGES) {
    const text = pageText(page);
    for (const [, target = ""] of text.matchAll(/\]\((?!https?:)([^)#]+)/g))
      t.ok(existsSync(new URL(target, new URL(page, ROOT))), `${page}: ${target}`);
    for (const [path] of text.matchAll(/(?<=`)(?:agent|coordinator|shared|deploy|docs|scripts|test)\/[\w./-]+(?=`)/g))
      t.ok(existsSync(new URL(path, ROOT)), `${page}: ${path}`);
  }
});

t.test("operating.md names every key of agent.yaml and every state", async (t) => {
  const text = pageText("docs/operating.md");
  const keys = keysOf({ ...parseConfig("agent.yaml", "coordinators: [{ host: a, port: 1 }]") });
  for (const key of [...keys, ...RESOURCE_STATES, ...CONNECTIONS]) t.ok(text.includes(`\`${key}\``), key);
});

/** Paths of the leaves, as in `policy.ollama.source`; what is in a list by the list's name and `[]`. */
function keysOf(value: object, path = ""): string[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = path === "" ? key : `${path}.${key}`;
    if (Array.isArray(inner) && typeof inner[0] === "object") return keysOf(inner[0], `${at}[]`);
    const isMap = typeof inner === "object" && !Array.isArray(inner) && Object.keys(inner).length > 0;
    return isMap ? keysOf(inner, at) : [at];
  });
}
