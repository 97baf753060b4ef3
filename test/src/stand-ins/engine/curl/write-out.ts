/** `-w`: a text with %{variables} and the escapes of C. */
export interface Outcome {
  status: number;
  exitCode: number;
  message: string;
  verifyResult: number;
  seconds: number;
  bytes: number;
  url: string;
  redirects: number;
}

export function writeOut(format: string, outcome: Outcome): string {
  const values: Record<string, string> = {
    http_code: String(outcome.status).padStart(3, "0"),
    response_code: String(outcome.status).padStart(3, "0"),
    exitcode: String(outcome.exitCode),
    errormsg: outcome.message,
    ssl_verify_result: String(outcome.verifyResult),
    time_total: outcome.seconds.toFixed(6),
    size_download: String(outcome.bytes),
    url_effective: outcome.url,
    num_redirects: String(outcome.redirects),
  };
  return format
    .replace(/\\([nrt])/g, (_all, letter: string) => ({ n: "\n", r: "\r", t: "\t" })[letter] ?? "")
    .replace(/%\{([a-z_]+)\}|%%/g, (all, name: string | undefined) =>
      name === undefined ? "%" : (values[name] ?? all),
    );
}
