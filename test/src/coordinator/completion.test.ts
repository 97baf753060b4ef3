import { spawnSync } from "node:child_process";
import { run } from "@fettle/coordinator/cli/run.ts";
import t from "tap";

async function completion(shell: string): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(["completion", shell], {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    environment: {},
    clock: { now: () => 0, mono: () => 0, sleep: async () => undefined, random: () => 0.5 },
    signal: new AbortController().signal,
    readFile: async () => "",
  });
  return { code, out: out.join(""), err: err.join("") };
}

/** The line so far, the last word being typed; some of what is offered, and what is not. */
const LINES: readonly (readonly [readonly string[], readonly string[], readonly string[]])[] = [
  [[""], ["apply", "status", "token", "completion"], ["create", "--json"]],
  [["st"], ["status"], ["token"]],
  [["token", ""], ["create", "list", "revoke"], ["status"]],
  [["token", "create", "--n"], ["--node", "--name"], ["--role"]],
  [["--stack", "token", "stat"], ["status"], ["revoke"]],
  [["token", "create", "--node", ""], [], ["create", "--role"]],
  [["coordinator", "-"], ["--help", "--json"], ["init"]],
];

t.test("bash offers what may follow", async (t) => {
  const { code, out } = await completion("bash");
  t.equal(code, 0);
  const tries = LINES.map(([words]) => {
    const line = ["fettle", ...words].map((word) => `'${word}'`).join(" ");
    return `COMP_WORDS=(${line}); COMP_CWORD=${words.length}; COMPREPLY=(); _fettle; echo " \${COMPREPLY[*]} "`;
  });
  const { stdout, stderr, status } = spawnSync("bash", ["--norc", "-c", [out, ...tries].join("\n")], {
    encoding: "utf8",
  });
  t.same([status, stderr], [0, ""]);
  for (const [index, offered] of stdout.replace(/\n$/, "").split("\n").entries()) {
    const [words = [], wanted = [], unwanted = []] = LINES[index] ?? [];
    const name = words.join(" ");
    for (const word of wanted) t.ok(offered.includes(` ${word} `), `${name}: ${word}`);
    for (const word of unwanted) t.notOk(offered.includes(` ${word} `), `${name}: not ${word}`);
  }
});

t.test("zsh and fish know the same commands; another shell is refused", async (t) => {
  for (const shell of ["zsh", "fish"]) {
    const { code, out } = await completion(shell);
    t.equal(code, 0, shell);
    for (const [, wanted] of LINES)
      for (const word of wanted) t.match(out, word.replace(/^--/, ""), `${shell}: ${word}`);
  }
  t.match(await completion("csh"), { code: 1, err: /cli\.usage/ });
});
