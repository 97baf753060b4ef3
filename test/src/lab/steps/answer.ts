import type { Host } from "../host.ts";
import { until } from "../until.ts";

export const answerPort = 5099;
const unit = "lab-answer";

/** A small web server: systemd takes the connections, a shell reads the request up to its empty line and answers. */
const server = [
  ...["systemd-socket-activate", "--accept", "--inetd", "--listen", String(answerPort)],
  ...["sh", "-c", "sed -n '/^.\\?$/q'; printf 'HTTP/1.0 200 OK\\r\\n\\r\\n'; cat /etc/hostname"],
];

/** Has the host answer web requests with its name as long as `work` runs. */
export async function withAnswer(host: Host, work: () => Promise<void>): Promise<void> {
  await host.run(["systemd-run", "--unit", unit, "--collect", ...server]);
  try {
    await until("the host to answer", 10_000, async () => {
      const probe = await host.exec(["curl", "-sS", "--max-time", "2", `http://127.0.0.1:${answerPort}/`]);
      return probe.code === 0 ? true : undefined;
    });
    await work();
  } finally {
    await host.run(["systemctl", "stop", unit]);
  }
}
