import { constants } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/**
 * `gitlab-rails runner SCRIPT ARGS…` for the one script that Fettle has. It cannot run Ruby: it knows the script by its
 * first line and does what the script would do. Its time is `STAND_IN_RAILS_MS`; `STAND_IN_ROOT` goes before the paths.
 */
const MARKER = "# fettle: mint-token v1";
const NOISE = [
  "WARNING: Active Record does not support composite primary key.",
  "DEPRECATION WARNING: a setting that this application uses is going away (called from <top (required)> at config/environment.rb:7)",
];

class RubyError extends Error {}

async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const [command, script, paramsFile, fifo] = argv;
  if (command !== "runner" || script === undefined) throw new RubyError("Usage: gitlab-rails runner SCRIPT [ARGS]");
  await delay(Number(env.STAND_IN_RAILS_MS ?? "300"));
  for (const line of NOISE) process.stderr.write(`${line}\n`);
  const first = script.split("\n", 1)[0];
  if (first !== MARKER) throw new RubyError(`this stand-in runs one script only, not: ${first}`);
  if (!paramsFile || !fifo) throw new RubyError("undefined method `[]' for nil:NilClass (NoMethodError)");
  const root = env.STAND_IN_ROOT ?? "";
  const params = await readParams(root + paramsFile);
  const pipe = await openPipe(root + fifo);
  try {
    await pipe.writeFile(await mint(env.STAND_IN_CONTROL ?? "", params));
  } finally {
    await pipe.close();
  }
}

async function readParams(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new RubyError(errno(error, path));
  }
}

/** For writing only, so it waits until somebody reads; the token is made after that, never for nobody. */
async function openPipe(path: string): Promise<Awaited<ReturnType<typeof open>>> {
  try {
    return await open(path, constants.O_WRONLY);
  } catch (error) {
    throw new RubyError(errno(error, path));
  }
}

/** The database's part, done by the running stand-in. */
function mint(socketPath: string, params: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method: "POST", path: "/rails/mint" }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const body = Buffer.concat(chunks).toString("utf8");
        if (response.statusCode === 201) resolve(body);
        else reject(new RubyError((JSON.parse(body) as { message: string }).message));
      });
    });
    sent.on("error", () => reject(new RubyError("PG::ConnectionBad: connection to server on socket failed")));
    sent.end(params);
  });
}

function errno(error: unknown, path: string): string {
  const code = (error as NodeJS.ErrnoException).code ?? "EIO";
  const words = code === "ENOENT" ? "No such file or directory" : code === "EACCES" ? "Permission denied" : code;
  return `Errno::${code}: ${words} @ rb_sysopen - ${path}`;
}

main(process.argv.slice(2), process.env).then(
  () => process.exit(0),
  (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`bin/rails:4:in \`<main>': ${message}\n`, () => process.exit(1));
  },
);
