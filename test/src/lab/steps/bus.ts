import assert from "node:assert/strict";
import { writeFile } from "../host-files.ts";
import { onEach } from "./hosts.ts";
import type { Step } from "./step.ts";

const unit = `[Service]
ExecStart=/bin/sh -c 'echo started with $COLOUR; exec sleep 1000'
[Install]
WantedBy=multi-user.target
`;

export const bus: Step[] = [
  {
    name: "systemd answers on D-Bus in each host",
    async run(lab) {
      const address = ["org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"];
      const answers = await onEach(lab, (host) => host.run(["busctl", "get-property", ...address, "Version"]));
      for (const answer of answers) assert.match(answer, /^s "\d+/);
    },
  },
  {
    name: "a unit with a drop-in runs with that environment and writes to the journal",
    async run({ ollama }) {
      await writeFile(ollama, "/etc/systemd/system/lab-probe.service", unit);
      await writeFile(
        ollama,
        "/etc/systemd/system/lab-probe.service.d/zz.conf",
        "[Service]\nEnvironment=COLOUR=green\n",
      );
      await ollama.run(["systemctl", "daemon-reload"]);
      await ollama.run(["systemctl", "enable", "--now", "lab-probe.service"]);
      const pid = await ollama.mainPid("lab-probe.service");
      assert.match(await ollama.run(["cat", `/proc/${pid}/environ`]), /COLOUR=green/);
      await ollama.run(["journalctl", "--sync"]);
      assert.match(await ollama.journal("lab-probe.service"), /started with green/);
      await ollama.run(["systemctl", "disable", "--now", "lab-probe.service"]);
      await ollama.run(["sh", "-c", "rm -r /etc/systemd/system/lab-probe.service*; systemctl daemon-reload"]);
    },
  },
];
