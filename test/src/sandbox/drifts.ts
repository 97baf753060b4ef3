import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DROP_IN, OLLAMA_UNIT } from "@fettle/agent/resources/ollama/unit-file.ts";
import { GATEWAY_CONTAINER } from "@fettle/shared/roles/gateway.ts";
import { OLLAMA_PORT } from "@fettle/shared/roles/ollama.ts";
import { type AdminAccess, readFeatures, remapFeature } from "../stand-ins/gitlab/admin-client.ts";
import { type Answer, ask, LOOK_MS } from "./ask.ts";
import { gitlabUrl } from "./layout.ts";
import { ADMIN_TOKEN } from "./machine-files.ts";
import type { Sandbox } from "./sandbox.ts";
import { systemctl } from "./systemctl.ts";

/** Something that somebody does to the stack from outside, never by a call that the agent makes too. */
export interface Drift {
  readonly name: string;
  readonly node: "gitlab-1" | "gateway-1" | "ollama-1";
  /** Resources that are repaired, each by a run of its own. */
  readonly repairs: readonly string[];
  /** Resources that may have to be, as it comes out in time. */
  readonly perhaps?: readonly string[];
  make(sandbox: Sandbox): Promise<void>;
  /** True when the world is as declared, seen from outside. */
  healed(sandbox: Sandbox): Promise<boolean>;
}

const MODEL = "mistral:instruct";
const FEATURE = "DUO_CHAT";
/** The last number of an address that none of a sandbox's machines has, and no other sandbox either. */
const ELSEWHERE = "99";

/** Somebody overwrites OLLAMA_HOST and makes it count: `systemctl daemon-reload`, `systemctl restart ollama`. */
export const ollamaHost: Drift = {
  name: "OLLAMA_HOST",
  node: "ollama-1",
  repairs: ["ollama.drop-in", "ollama.service"],
  perhaps: ["ollama.listening"],
  async make(sandbox) {
    const other = sandbox.layout.addresses["ollama-1"].replace(/\d+$/, ELSEWHERE);
    const text = `[Service]\nEnvironment="OLLAMA_HOST=${other}:${OLLAMA_PORT}"\n`;
    writeFileSync(join(sandbox.rootOf("ollama-1"), DROP_IN), text);
    const socket = join(sandbox.layout.folder, "ollama-1/units.sock");
    await systemctl(socket, { method: "daemonReload" });
    await systemctl(socket, { method: "restart", unit: OLLAMA_UNIT });
  },
  async healed(sandbox) {
    const text = readFileSync(join(sandbox.rootOf("ollama-1"), DROP_IN), "utf8");
    if (!text.includes(`OLLAMA_HOST=${sandbox.layout.addresses["ollama-1"]}:${OLLAMA_PORT}`)) return false;
    return (await ollama(sandbox, "GET", "/api/version")).status === 200;
  },
};

export const modelRemoved: Drift = {
  name: "model removed",
  node: "ollama-1",
  repairs: [`ollama.model[${MODEL}]`, `ollama.warm[${MODEL}]`],
  async make(sandbox) {
    await ollama(sandbox, "POST", "/api/generate", { model: MODEL, keep_alive: 0 });
    await ollama(sandbox, "DELETE", "/api/delete", { model: MODEL });
  },
  healed: async (sandbox) => (await ollama(sandbox, "GET", "/api/tags")).text.includes(MODEL),
};

export const containerStopped: Drift = {
  name: "gateway container stopped",
  node: "gateway-1",
  repairs: ["gateway.container"],
  perhaps: ["gateway.ready"],
  async make(sandbox) {
    await engine(sandbox, "POST", `/containers/${GATEWAY_CONTAINER}/stop?t=5`);
  },
  async healed(sandbox) {
    const url = { host: sandbox.layout.addresses["gateway-1"], port: 5052, path: "/monitoring/healthz" };
    return (await ask({ ...url, method: "GET", limitMs: LOOK_MS })).status === 200;
  },
};

export const featureRemapped: Drift = {
  name: "feature mapping changed",
  node: "gitlab-1",
  repairs: [`gitlab.feature[${FEATURE}]`],
  make: async (sandbox) => remapFeature(adminOf(sandbox), FEATURE, "DISABLED"),
  async healed(sandbox) {
    const features = await readFeatures(adminOf(sandbox));
    return features.some(
      (one) => one.feature.toUpperCase() === FEATURE && one.provider.toUpperCase() === "SELF_HOSTED",
    );
  },
};

export const DRIFTS: readonly Drift[] = [ollamaHost, modelRemoved, containerStopped, featureRemapped];

/** GitLab's administrator, beside Fettle. */
export function adminOf(sandbox: Sandbox): AdminAccess {
  const ca = readFileSync(join(sandbox.rootOf("gitlab-1"), "etc/gitlab/trusted-certs/ca.crt"), "utf8");
  return { url: gitlabUrl(sandbox.layout), ca, token: ADMIN_TOKEN };
}

function ollama(sandbox: Sandbox, method: string, path: string, body?: object): Promise<Answer> {
  const host = sandbox.layout.addresses["ollama-1"];
  const limit = method === "GET" ? { limitMs: LOOK_MS } : {};
  return ask({ host, port: OLLAMA_PORT, method, path, ...limit }, body && JSON.stringify(body));
}

function engine(sandbox: Sandbox, method: string, path: string): Promise<Answer> {
  return ask({ socketPath: join(sandbox.rootOf("gateway-1"), "run/docker.sock"), method, path });
}
