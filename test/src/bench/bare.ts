import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DROP_IN, OLLAMA_UNIT } from "@fettle/agent/resources/ollama/unit-file.ts";
import { GATEWAY_CONTAINER } from "@fettle/shared/roles/gateway.ts";
import { OLLAMA_PORT } from "@fettle/shared/roles/ollama.ts";
import { ask, LOOK_MS } from "../sandbox/ask.ts";
import { adminOf } from "../sandbox/drifts.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { systemctl } from "../sandbox/systemctl.ts";
import { until } from "../sandbox/until.ts";
import { readFeatures, readModels, remapFeature } from "../stand-ins/gitlab/admin-client.ts";

/** The commands that an administrator types for the same repair, and the looks that tell him it worked. */
export interface Bare {
  prepare(sandbox: Sandbox): Promise<void>;
  repair(sandbox: Sandbox): Promise<void>;
}

const MODEL = "mistral:instruct";
const LIMIT_MS = 60_000;

/** Write the drop-in, `systemctl daemon-reload`, `systemctl restart ollama`, ask it for its version. */
function ollamaHost(): Bare {
  let text = "";
  const path = (sandbox: Sandbox) => join(sandbox.rootOf("ollama-1"), DROP_IN);
  return {
    prepare: async (sandbox) => {
      text = readFileSync(path(sandbox), "utf8");
    },
    async repair(sandbox) {
      const socket = join(sandbox.layout.folder, "ollama-1/units.sock");
      writeFileSync(path(sandbox), text);
      await systemctl(socket, { method: "daemonReload" });
      await systemctl(socket, { method: "restart", unit: OLLAMA_UNIT });
      await until(
        "Ollama answers",
        LIMIT_MS,
        async () => (await ollama(sandbox, "GET", "/api/version")).status === 200,
      );
    },
  };
}

/** Pull, list, load, list what is loaded. */
const model: Bare = {
  prepare: async () => undefined,
  async repair(sandbox) {
    await ollama(sandbox, "POST", "/api/pull", { model: MODEL, stream: false });
    await until("it is listed", LIMIT_MS, async () => (await ollama(sandbox, "GET", "/api/tags")).text.includes(MODEL));
    await ollama(sandbox, "POST", "/api/generate", { model: MODEL, keep_alive: -1 });
    await until("it is loaded", LIMIT_MS, async () => (await ollama(sandbox, "GET", "/api/ps")).text.includes(MODEL));
  },
};

/** `docker start`, the health page, and that nobody gets in without a token. */
const container: Bare = {
  prepare: async () => undefined,
  async repair(sandbox) {
    const socketPath = join(sandbox.rootOf("gateway-1"), "run/docker.sock");
    await ask({ socketPath, method: "POST", path: `/containers/${GATEWAY_CONTAINER}/start` });
    const gateway = { host: sandbox.layout.addresses["gateway-1"], port: 5052, method: "GET", limitMs: LOOK_MS };
    await until(
      "it is healthy",
      LIMIT_MS,
      async () => (await ask({ ...gateway, path: "/monitoring/healthz" })).status === 200,
    );
    await until("it asks for a token", LIMIT_MS, async () => (await ask({ ...gateway, path: "/" })).status === 401);
  },
};

/** The mutation, and a look at the settings. */
function mapping(): Bare {
  let id = "";
  return {
    async prepare(sandbox) {
      id = (await readModels(adminOf(sandbox)))[0]?.id ?? "";
    },
    async repair(sandbox) {
      await remapFeature(adminOf(sandbox), "DUO_CHAT", "SELF_HOSTED", id);
      await readFeatures(adminOf(sandbox));
    },
  };
}

/** By the drift's name. */
export const BARE: Readonly<Record<string, Bare>> = {
  OLLAMA_HOST: ollamaHost(),
  "model removed": model,
  "gateway container stopped": container,
  "feature mapping changed": mapping(),
};

function ollama(sandbox: Sandbox, method: string, path: string, body?: object) {
  const host = sandbox.layout.addresses["ollama-1"];
  const limit = method === "GET" ? { limitMs: LOOK_MS } : {};
  return ask({ host, port: OLLAMA_PORT, method, path, ...limit }, body && JSON.stringify(body));
}
