import { readFileSync } from "node:fs";
import t from "tap";
import { codes } from "../codes/codes.ts";
import { type StackCase, stackCases } from "./stack.cases.ts";
import { parseStack } from "./stack.ts";

const example = readFileSync(new URL("./example.yaml", import.meta.url), "utf8");

function textOf(item: StackCase): string {
  let text = item.text ?? example;
  for (const [from, to] of item.replace ?? []) {
    if (!text.includes(from)) throw new Error(`the example has no ${from}`);
    text = text.replace(from, to);
  }
  return text;
}

t.test("the reference example is in order", async (t) => {
  const parsed = parseStack(example);
  t.match(parsed, { ok: true, spec: { name: "duo", mode: "enforce", policy: { contention: { within: 600_000 } } } });
});

t.test("bad files", async (t) => {
  for (const item of stackCases) {
    const parsed = parseStack(textOf(item));
    const problems = parsed.ok ? [] : parsed.problems;
    t.same(
      problems.map((p) => `${p.code} ${p.line}:${p.column} ${p.path}`),
      item.problems,
      item.name,
    );
    if (item.says !== undefined) t.match(problems[0]?.message, item.says, `${item.name}: what it says`);
    t.notOk(
      problems.some((p) => /\{[a-z]+\}/.test(p.message)),
      `${item.name}: every argument is filled in`,
    );
    t.ok(problems.every((p) => Object.hasOwn(codes, p.code)));
  }
});

t.test("what is stored does not hang on how it is written", async (t) => {
  const reordered = example.replace(
    'OLLAMA_KEEP_ALIVE: "-1", OLLAMA_NO_CLOUD: "1"',
    "OLLAMA_NO_CLOUD: '1', OLLAMA_KEEP_ALIVE: '-1'",
  );
  const spelled = reordered
    .replace("drain: 10m", "drain: 600s")
    .replace("gitlab.example.com\n", "gitlab.example.com/\n");
  t.same(parseStack(spelled), parseStack(example));
});

t.test("a stack with one model server alone", async (t) => {
  const text = example.replace(/ {2}gitlab:\n(.*\n)*?(?= {2}modelServers:)/, "");
  t.match(parseStack(text), { ok: true, spec: { modelServers: [{ node: "ollama-1" }] } });
});
