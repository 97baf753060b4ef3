import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { PassThrough } from "node:stream";
import type Docker from "dockerode";
import type { ContractCase, Kit } from "../contract-kit.ts";

interface Ran {
  out: string;
  err: string;
  exitCode: number | null;
}

/** Runs a command attached, on a connection that is taken over. */
async function ran(kit: Kit, container: Docker.Container, options: Docker.ExecCreateOptions): Promise<Ran> {
  const exec = await container.exec({ AttachStdout: true, AttachStderr: true, ...options });
  const stream: Duplex = await exec.start({ hijack: true, stdin: false });
  const [out, err] = [new PassThrough(), new PassThrough()];
  kit.docker.modem.demuxStream(stream, out, err);
  await new Promise((resolve) => stream.on("end", resolve).on("close", resolve));
  stream.destroy();
  const inspected = await kit.until(
    () => exec.inspect(),
    ({ Running }) => !Running,
  );
  return { out: String(out.read() ?? ""), err: String(err.read() ?? ""), exitCode: inspected.ExitCode };
}

export const inside: readonly ContractCase[] = [
  {
    name: "logs: both streams in frames, the last lines, since a time, with times",
    run: async (t, kit) => {
      const container = await kit.started("one", { Env: ["CONTRACT=set"] });
      const path = (query: string): string => `/containers/${container.id}/logs?${query}`;
      const both = await kit.until(
        () => kit.http({ path: path("stdout=1&stderr=1") }),
        ({ text }) => text.includes("out set") && text.includes("err set"),
      );
      const frames = (stream: number, text: string): Buffer =>
        Buffer.concat([Buffer.from([stream, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)]);
      t.ok(both.bytes.includes(frames(1, "out set\n")));
      t.ok(both.bytes.includes(frames(2, "err set\n")));
      t.same((await kit.http({ path: path("stderr=1") })).bytes, frames(2, "err set\n"));
      t.equal((await kit.http({ path: path("stdout=1&tail=0") })).bytes.length, 0);
      const last = (await kit.http({ path: path("stdout=1&stderr=1&tail=1") })).bytes;
      t.ok(
        [frames(1, "out set\n"), frames(2, "err set\n")].some((one) => one.equals(last)),
        "one line of both",
      );
      t.equal((await kit.http({ path: path(`stdout=1&since=${Math.ceil(Date.now() / 1000) + 5}`) })).bytes.length, 0);
      t.match((await kit.http({ path: path("stdout=1&timestamps=1") })).text, /\d{4}-\d\d-\d\dT[\d:.]+Z out set/);
      const none = await kit.http({ path: path("follow=0") });
      t.match(none, { status: 400, text: /you must choose at least one stream/ });
    },
  },
  {
    name: "followed logs end with the container, and stay readable after it",
    run: async (t, kit) => {
      const container = await kit.ready("one", { Env: ["CONTRACT=set"] });
      const followed = kit.http({ path: `/containers/${container.id}/logs?stdout=1&follow=1` });
      await container.stop({ t: 5 });
      t.match((await followed).text, /out set/);
      t.match(String(await container.logs({ stdout: true })), /out set/);
    },
  },
  {
    name: "a command inside: its environment, its output, its exit code",
    run: async (t, kit) => {
      const container = await kit.started("one", { Env: ["CONTRACT=set"] });
      t.same(await ran(kit, container, { Cmd: ["show", "CONTRACT"] }), { out: "set\n", err: "", exitCode: 0 });
      t.match(await ran(kit, container, { Cmd: ["show", "EXTRA"], Env: ["EXTRA=own"] }), { out: "own\n" });
      t.same(await ran(kit, container, { Cmd: ["print", "a  b", "$HOME"] }), {
        out: "a  b $HOME\n",
        err: "",
        exitCode: 0,
      });
      t.match(await ran(kit, container, { Cmd: ["fail"] }), { out: "failing\n", exitCode: 3 });
      const missing = await ran(kit, container, { Cmd: ["nosuch"] });
      t.match(missing.out + missing.err, /exec: "nosuch": executable file not found in \$PATH/);
      t.ok([126, 127].includes(missing.exitCode ?? 0));
    },
  },
  {
    name: "a command's input, and its connection without an upgrade",
    run: async (t, kit) => {
      const container = await kit.started("one");
      const exec = await container.exec({ Cmd: ["cat"], AttachStdin: true, AttachStdout: true });
      const stream: Duplex = await exec.start({ hijack: true, stdin: true });
      const out = new PassThrough();
      kit.docker.modem.demuxStream(stream, out, out);
      stream.end("through\n");
      await new Promise((resolve) => stream.on("end", resolve).on("close", resolve));
      stream.destroy();
      t.equal(String(out.read()), "through\n");
      const plain = await container.exec({ Cmd: ["print", "plain"], AttachStdout: true });
      const reply = await kit.http({
        method: "POST",
        path: `/exec/${plain.id}/start`,
        body: { Detach: false, Tty: false },
      });
      t.same(reply.bytes, Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 6]), Buffer.from("plain\n")]));
      const detached = await container.exec({ Cmd: ["fail"] });
      (await detached.start({ Detach: true })).destroy();
      const seen = await kit.until(
        () => detached.inspect(),
        ({ ExitCode }) => ExitCode !== null,
      );
      t.match(seen, { ExitCode: 3, Running: false, ContainerID: container.id, ProcessConfig: { entrypoint: "fail" } });
    },
  },
  {
    name: "a mounted file is read inside where it is mounted",
    run: async (t, kit) => {
      const file = join(mkdtempSync(join(tmpdir(), "contract-")), "bundle.pem");
      writeFileSync(file, "bundle\n");
      const container = await kit.started("one", { HostConfig: { Binds: [`${file}:/tmp/bundle.pem:ro`] } });
      t.same(await ran(kit, container, { Cmd: ["cat", "/tmp/bundle.pem"] }), { out: "bundle\n", err: "", exitCode: 0 });
      t.match((await ran(kit, container, { Cmd: ["cat", "/tmp/nosuch"] })).exitCode, 1);
    },
  },
];
