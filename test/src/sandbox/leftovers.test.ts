import { spawn } from "node:child_process";
import { once } from "node:events";
import t from "tap";
import { endLeftovers } from "./leftovers.ts";

const FOLDER = `/tmp/fettle-leftovers-${process.pid}`;

t.test("what was started for the sandbox is ended, what a person started from a terminal is not", async (t) => {
  const cases: { env: Record<string, string>; ended: boolean }[] = [
    { env: { FETTLE_SANDBOX_MACHINE: `${FOLDER}/ollama-1/sandbox.json` }, ended: true },
    { env: { HOME: `${FOLDER}/ollama-1/root` }, ended: true },
    { env: { FETTLE_DATA: `${FOLDER}/coordinator/data`, FETTLE_RUN: `${FOLDER}/coordinator/run` }, ended: true },
    { env: { HOME: `${FOLDER}2/root` }, ended: false },
    {
      env: { PATH: `${FOLDER}/bin:/usr/bin:/bin`, PWD: `${FOLDER}/ollama-1`, _: `${FOLDER}/bin/fettle` },
      ended: false,
    },
    { env: { FETTLE_RUN: `${FOLDER}/coordinator/run`, OLDPWD: `${FOLDER}/` }, ended: false },
  ];
  const started = cases.map(({ env }) => spawn("/bin/sleep", ["60"], { env, stdio: "ignore" }));
  t.teardown(() => started.forEach((child) => void child.kill("SIGKILL")));
  await Promise.all(started.map((child) => once(child, "spawn")));
  endLeftovers(FOLDER);
  await Promise.all(started.filter((_, index) => cases[index]?.ended).map((child) => once(child, "exit")));
  for (const [index, { env, ended }] of cases.entries())
    t.equal(started[index]?.signalCode, ended ? "SIGKILL" : null, JSON.stringify(env));
});
