import assert from "node:assert/strict";
import type { Host } from "../host.ts";
import { writeFile } from "../host-files.ts";

const patterns = "/run/lab-token";
const seen = "/run/lab-token-seen";
/** Every argument of every program, again and again; the secret itself comes to grep by a file. */
const look = `while [ -e ${patterns} ]; do grep -alF -f ${patterns} /proc/[0-9]*/cmdline >>${seen} 2>/dev/null; sleep 0.02; done`;

/** Looks for the token in the arguments of all programs of this host, from now on. */
export async function watchArguments(host: Host, token: string): Promise<void> {
  await writeFile(host, patterns, `${secretOf(token)}\n`, "0600");
  await host.run(["sh", "-c", `: >${seen}; setsid sh -c '${look}' >/dev/null 2>&1 &`]);
}

/** Ends that, and says where the token is on this host's disk and in its journal, with who may read it. */
export async function whereTokenIs(host: Host): Promise<string[]> {
  assert.equal(await host.run(["cat", seen]), "", "a program had the token among its arguments");
  const secret = await host.run(["cat", patterns]);
  await host.run(["sh", "-c", "sleep 1; true", secret]);
  assert.notEqual(await host.run(["cat", seen]), "", "one that had it was not seen");
  assert.equal(await host.run(["sh", "-c", `journalctl --no-pager | grep -cF -f ${patterns} || true`]), "0");
  const folders = "/boot /etc /home /opt /root /run /srv /tmp /usr /var";
  const find = `grep -rlsIaF -f ${patterns} ${folders} --exclude-dir=journal | grep -v '^${patterns}' | xargs -r stat -c '%a %U %n'`;
  const found = await host.run(["sh", "-c", `${find}; rm -f ${patterns}`], { timeoutMs: 120_000 });
  return found.split("\n").filter((line) => line !== "");
}

function secretOf(token: string): string {
  return token.split(".").at(-1) ?? "";
}
