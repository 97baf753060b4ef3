import type { Host } from "./host.ts";
import { writeFile } from "./host-files.ts";

/** Writes a file of the host unless it says this already; true when it was written. */
export async function ensureFile(host: Host, path: string, text: string, mode = "0644"): Promise<boolean> {
  const there = await host.exec(["cat", path]);
  if (there.code === 0 && there.stdout === text) return false;
  await writeFile(host, path, text, mode);
  return true;
}

/** Sees to it that the unit with this text is enabled and runs; started anew when `changed` or its text did. */
export async function ensureUnit(host: Host, name: string, text: string, changed: boolean): Promise<void> {
  const rewritten = await ensureFile(host, `/etc/systemd/system/${name}`, text);
  if (rewritten) await host.run(["systemctl", "daemon-reload"]);
  await host.run(["systemctl", "enable", "--quiet", name]);
  await host.run(["systemctl", changed || rewritten ? "restart" : "start", name]);
}
