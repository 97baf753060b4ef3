import { DROP_IN, OLLAMA_UNIT } from "@fettle/agent/resources/ollama/unit-file.ts";
import { OLLAMA_PORT } from "@fettle/shared/roles/ollama.ts";
import { readFile } from "../host-files.ts";
import { answers } from "../outside-look.ts";
import type { Drift } from "./drift.ts";

const edit = `date +%s%3N
printf '[Service]\\nEnvironment="OLLAMA_HOST=127.0.0.1:${OLLAMA_PORT}"\\n' > ${DROP_IN}
systemctl daemon-reload
systemctl restart ${OLLAMA_UNIT}`;

/** The drop-in edited, systemd reloaded and Ollama restarted, as an administrator does who wants it on loopback. */
export const ollamaHost: Drift = {
  name: "OLLAMA_HOST",
  node: "ollama-1",
  resources: ["ollama.drop-in", "ollama.service", "ollama.listening"],
  make: async ({ ollama }) => Number(await ollama.run(["sh", "-c", edit])),
  async healed(lab) {
    const { ollama } = lab;
    const wanted = `OLLAMA_HOST=${ollama.address}:${OLLAMA_PORT}`;
    const pid = await ollama.mainPid(OLLAMA_UNIT);
    const environ = (await ollama.exec(["cat", `/proc/${pid}/environ`])).stdout.split("\0");
    const declared = (await readFile(ollama, DROP_IN)).includes(wanted) && environ.includes(wanted);
    return declared && (await answers(lab, `http://${ollama.address}:${OLLAMA_PORT}/api/version`));
  },
};
