/** The AI gateway's stand-in: the image's two processes in one, each able to die alone. */
import { createServer } from "node:http";
import type { Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Control, Faults, faultsFile, serveControl } from "../control.ts";
import { type ApiContext, answer } from "./api.ts";
import { faultShape, type GatewayFaults } from "./faults.ts";
import { Half } from "./half.ts";
import { KeySet } from "./key-set.ts";
import { createLog, type LogLine } from "./log.ts";
import { type Address, type Authority, type Environment, readSettings, type Settings } from "./settings.ts";
import { createWorkflowServer } from "./workflow.ts";

export interface GatewayOptions {
  /** What the container gets: the documented variables and STAND_IN_*. */
  env: Environment;
  write: (line: string) => void;
  now?: () => number;
}

export interface Gateway {
  /** Undefined: that process does not run, by its settings or because it could not start. */
  api: Address | undefined;
  /** Known later: this process asks GitLab for its keys before it listens. */
  workflow: Promise<Address | undefined>;
  faults: Faults<GatewayFaults>;
  /** Ends when no half lives any more. */
  ended: Promise<void>;
  close(): Promise<void>;
}

interface Parts {
  settings: Settings;
  faults: Faults<GatewayFaults>;
  log: LogLine;
  now: () => number;
  requests: Record<string, number>;
  closing: AbortController;
}

const OIDC_TIMEOUT_MS = 10_000;
const GRACE_MS = 5_000;

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const settings = readSettings(options.env);
  const now = options.now ?? Date.now;
  const file = settings.control === undefined ? undefined : faultsFile(settings.control);
  const faults = new Faults<GatewayFaults>(faultShape, file);
  const parts: Parts = {
    settings,
    faults,
    now,
    log: createLog(options.write, now),
    requests: {},
    closing: new AbortController(),
  };
  if (faults.now.startDelayMs) await sleep(faults.now.startDelayMs);
  const api = settings.api.enabled && !faults.now.httpDead ? await startApi(parts) : undefined;
  const workflow = startWorkflow(parts);
  faults.onChange(() => {
    if (faults.now.httpDead) api?.die();
    if (faults.now.workflowDead) void workflow.then((half) => half?.die());
  });
  const control = await serveControlOf(parts);
  return {
    api: api?.address,
    workflow: workflow.then((half) => half?.address),
    faults,
    ended: Promise.all([api?.died, workflow.then((half) => half?.died)]).then(() => undefined),
    close: async () => {
      parts.closing.abort();
      await Promise.all([api?.close(GRACE_MS), workflow.then((half) => half?.die())]);
      control?.close();
    },
  };
}

async function serveControlOf({ settings, faults, requests }: Parts): Promise<Control | undefined> {
  return settings.control === undefined
    ? undefined
    : await serveControl(settings.control, () => ({ requests }), faults);
}

async function startApi(parts: Parts): Promise<Half | undefined> {
  const { settings, faults, log, now, requests } = parts;
  const context: ApiContext = {
    settings,
    log,
    now,
    keySet: keySetOf(parts, settings.apiAuthority),
    faults: () => faults.now,
    rejectsTokens: () => faults.now.rejectsTokens === true,
  };
  const server = createServer((request, response) => {
    const [path = "/"] = (request.url ?? "/").split("?");
    requests[path] = (requests[path] ?? 0) + 1;
    if (faults.now.httpHangs) return;
    answer(request, response, context).catch(() => response.destroy());
  });
  return await listen(server, settings.api, log);
}

/** Without the instance's keys this process does not start at all, unless it asks nobody for a token. */
async function startWorkflow(parts: Parts): Promise<Half | undefined> {
  const { settings, faults, log, closing } = parts;
  if (!settings.workflow.enabled || faults.now.workflowDead) return undefined;
  const keys = settings.workflow.authEnabled ? await keySetOf(parts, settings.workflowAuthority).gitlabKeys() : [];
  if (closing.signal.aborted) return undefined;
  if (keys === undefined) {
    log("critical", "authentication_interceptor", "Could not prefetch keys");
    log("critical", "authentication_interceptor", "Failed to initialize OIDC auth provider: Could not prefetch keys");
    return undefined;
  }
  return await listen(
    createWorkflowServer(() => faults.now.workflowNotServing === true),
    settings.workflow,
    log,
  );
}

function keySetOf({ faults, log, now, closing }: Parts, authority: Authority): KeySet {
  return new KeySet({
    authority,
    log,
    now,
    closing: closing.signal,
    timeoutMs: () => faults.now.oidcTimeoutMs ?? OIDC_TIMEOUT_MS,
    portalDelayMs: () => faults.now.portalDelayMs ?? 0,
  });
}

async function listen(server: Server, address: Address, log: LogLine): Promise<Half | undefined> {
  try {
    const half = await Half.listen(server, address);
    log("info", "uvicorn.error", `Uvicorn running on http://${half.address.host}:${half.address.port}`);
    return half;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const [number, text] =
      code === "EADDRINUSE" ? [98, "address already in use"] : [99, "cannot assign requested address"];
    const where = `('${address.host}', ${address.port})`;
    log("error", "uvicorn.error", `[Errno ${number}] error while attempting to bind on address ${where}: ${text}`);
    return undefined;
  }
}
