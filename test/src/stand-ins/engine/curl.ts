/** The `curl` of a stand-in's container: the machine may have none, and a probe reads its exit code and its words. */
import { writeFileSync } from "node:fs";
import { type CurlArguments, parseArguments, UsageError } from "./curl/arguments.ts";
import { CurlFailure } from "./curl/failure.ts";
import { type Result, transfer } from "./curl/transfer.ts";
import { writeOut } from "./curl/write-out.ts";

const SSL_HELP = `More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the web page mentioned above.
`;

async function main(argv: readonly string[]): Promise<number> {
  const args = parsed(argv);
  if (args === undefined) return 2;
  const started = performance.now();
  let result: Result | undefined;
  let failure: CurlFailure | undefined;
  try {
    result = await transfer(args, process.env);
    if (args.fail && result.status >= 400)
      failure = new CurlFailure(22, `The requested URL returned error: ${result.status}`);
    else deliver(result, args);
  } catch (error) {
    if (!(error instanceof CurlFailure)) throw error;
    failure = error;
  }
  if (failure !== undefined && (!args.silent || args.showError)) {
    process.stderr.write(`curl: (${failure.exitCode}) ${failure.message}\n${failure.exitCode === 60 ? SSL_HELP : ""}`);
  }
  process.stdout.write(
    writeOut(args.writeOut, {
      status: result?.status ?? 0,
      exitCode: failure?.exitCode ?? 0,
      message: failure?.message ?? "",
      verifyResult: failure?.verifyResult ?? result?.verifyResult ?? 0,
      seconds: (performance.now() - started) / 1000,
      bytes: result?.body.length ?? 0,
      url: result?.url ?? args.url,
      redirects: result?.redirects ?? 0,
    }),
  );
  return failure?.exitCode ?? 0;
}

function parsed(argv: readonly string[]): CurlArguments | undefined {
  try {
    return parseArguments(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return undefined;
  }
}

function deliver({ body, headers }: Result, args: CurlArguments): void {
  const bytes = args.headOnly ? Buffer.from(headers) : body;
  if (args.output === undefined || args.output === "-") process.stdout.write(bytes);
  else if (args.output !== "/dev/null") writeFileSync(args.output, bytes);
}

process.exitCode = await main(process.argv.slice(2));
