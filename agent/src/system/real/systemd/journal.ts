import { UnitError } from "../../units.ts";
import { realExec } from "../exec.ts";

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** The newest lines, oldest first. A message of several lines is that many lines. */
export async function journal(unit: string, lines: number): Promise<readonly string[]> {
  const argv = ["journalctl", "--unit", unit, "--output", "cat", "--lines", String(lines), "--no-pager", "--quiet"];
  const { code, stdout, stderr } = await realExec.run(argv, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
  if (code !== 0) throw new UnitError("away", unit, `journalctl: ${stderr.trim() || "no answer in time"}`);
  return stdout.split("\n").slice(0, -1).slice(-lines);
}
