/** What one room may import of ours and of the machine (design: the house's walls). */
export interface Room {
  /** A folder or file below the repository, as in `agent/src/resources`; the longest that fits a file counts. */
  readonly path: string;
  /** Rooms it may import as values. `*` is everything. */
  readonly values: readonly string[];
  /** Rooms it may import as types only, beside those. */
  readonly types?: readonly string[];
  /** `node:` modules that touch a machine, and named packages, that it may use. */
  readonly machine?: readonly string[];
  readonly why: string;
}

/** Modules and packages that touch a machine: only the rooms that name them may use them. */
export const MACHINE = [
  "node:fs",
  "node:fs/promises",
  "node:child_process",
  "node:net",
  "node:http",
  "node:https",
  "node:http2",
  "node:tls",
  "node:dgram",
  "node-pty",
  "@jellybrick/dbus-next",
];

const HOST = ["agent/src/system"];

export const ROOMS: readonly Room[] = [
  {
    path: "shared/src",
    values: ["shared/src"],
    why: "both programs and the dashboard import it, so it touches no machine",
  },
  {
    path: "agent/src/system",
    values: ["shared/src", "agent/src/system"],
    machine: MACHINE,
    why: "the only room that touches the machine; a sandbox puts another in its place",
  },
  {
    path: "agent/src/clients",
    values: ["shared/src", "agent/src/clients"],
    types: HOST,
    why: "protocols only, on the host they are handed",
  },
  {
    path: "agent/src/resources",
    values: ["shared/src", "agent/src/clients", "agent/src/resources"],
    types: HOST,
    why: "a kind knows its own thing; who runs it and what else is there is not its business",
  },
  {
    path: "agent/src/watch",
    values: ["shared/src", "agent/src/clients", "agent/src/watch"],
    types: HOST,
    why: "it only wakes",
  },
  {
    path: "agent/src/health",
    values: ["shared/src", "agent/src/clients", "agent/src/health"],
    types: HOST,
    why: "it only looks",
  },
  {
    path: "agent/src/playbooks",
    values: ["shared/src", "agent/src/resources", "agent/src/playbooks"],
    why: "pure: parameters in, resources out",
  },
  {
    path: "agent/src/update",
    values: ["shared/src", "agent/src/update"],
    types: ["agent/src/store", "agent/src/link", ...HOST],
    why: "the agent's own program: verify, unpack beside, switch, watch, go back",
  },
  {
    path: "agent/src/uninstall",
    values: ["shared/src", "agent/src/clients", "agent/src/resources", "agent/src/store", "agent/src/uninstall"],
    types: HOST,
    why: "takes the agent off the machine, also when none runs; it knows what of the kinds' files stays",
  },
  {
    path: "agent/src/store",
    values: ["shared/src", "agent/src/store"],
    types: HOST,
    why: "it keeps, and decides nothing",
  },
  {
    path: "agent/src/policy",
    values: ["shared/src", "agent/src/policy"],
    types: HOST,
    why: "rules over parameters, pure",
  },
  {
    path: "agent/src/reconcile",
    values: [
      "shared/src",
      "agent/src/playbooks",
      "agent/src/resources",
      "agent/src/health",
      "agent/src/watch",
      "agent/src/policy",
      "agent/src/reconcile",
    ],
    types: ["agent/src/store", "agent/src/clients", ...HOST],
    why: "it is handed `send`, the store and the host",
  },
  {
    path: "agent/src/link",
    values: ["shared/src", "agent/src/link"],
    types: ["agent/src/store"],
    machine: ["node:net", "node:https", "node:tls", "node:http"],
    why: "one socket of its own; nothing of the machine behind it",
  },
  {
    path: "agent/src/local",
    values: ["shared/src", "agent/src/local"],
    types: ["agent/src/reconcile", "agent/src/store", "agent/src/policy", ...HOST],
    why: "the commands on the machine ask the running agent",
  },
  { path: "agent/src/local/cli", values: ["*"], why: "a program of its own, with its own main" },
  { path: "agent/src/context.ts", values: ["*"], why: "the one place where the agent is put together" },
  { path: "agent/src/main.ts", values: ["*"], why: "the program" },
  {
    path: "agent/src",
    values: ["shared/src", "agent/src/policy", "agent/src"],
    types: HOST,
    why: "environment, configuration, secrets, log: each read in one file",
  },
  {
    path: "coordinator/src/store",
    values: ["shared/src", "coordinator/src/store"],
    machine: ["node:fs", "node:fs/promises"],
    why: "it keeps, and decides nothing",
  },
  {
    path: "coordinator/src/hub",
    values: ["shared/src", "coordinator/src/hub"],
    machine: ["node:net", "node:http", "node:https", "node:tls"],
    why: "it is handed what to do with what comes",
  },
  {
    path: "coordinator/src/reconciler",
    values: ["shared/src", "coordinator/src/reconciler"],
    types: ["coordinator/src/store", "coordinator/src/hub", "coordinator/src/ingest", "coordinator/src/context.ts"],
    why: "what should be, from what is known",
  },
  {
    path: "coordinator/src/pki",
    values: ["shared/src", "coordinator/src/pki", "coordinator/src/durable.ts"],
    types: ["coordinator/src/store"],
    machine: ["node:fs", "node:fs/promises"],
    why: "keys and certificates",
  },
  {
    path: "coordinator/src/api",
    values: ["shared/src", "coordinator/src/api"],
    types: [
      "coordinator/src/context.ts",
      "coordinator/src/hub",
      "coordinator/src/store",
      "coordinator/src/reconciler",
      "coordinator/src/ingest",
      "coordinator/src/pki",
    ],
    why: "one handler per file; it reaches everything through the context",
  },
  {
    path: "coordinator/src/agents",
    values: ["shared/src", "coordinator/src/agents"],
    types: ["coordinator/src/context.ts", "coordinator/src/hub", "coordinator/src/store", "coordinator/src/pki"],
    machine: ["node:fs", "node:fs/promises"],
    why: "what agents may ask for on their port beside the WebSocket, one route per file",
  },
  {
    path: "coordinator/src/mirror",
    values: [
      "shared/src",
      "coordinator/src/mirror",
      "coordinator/src/share.ts",
      "coordinator/src/durable.ts",
      "coordinator/src/sum-of.ts",
    ],
    types: ["coordinator/src/store", "coordinator/src/config.ts"],
    machine: ["node:fs", "node:fs/promises"],
    why: "files that are served in place of the internet, and release archives",
  },
  {
    path: "coordinator/src/ingest",
    values: ["shared/src", "coordinator/src/ingest"],
    types: ["coordinator/src/store", "coordinator/src/hub"],
    why: "what agents send, on its way into the store it is handed",
  },
  {
    path: "coordinator/src/http",
    values: ["shared/src", "coordinator/src/http", "coordinator/src/api"],
    types: ["coordinator/src/context.ts", "coordinator/src/pki"],
    machine: ["node:fs", "node:fs/promises", "node:net", "node:https"],
    why: "the operator's doors, and the routes that need no token",
  },
  {
    path: "coordinator/src/cli",
    values: ["shared/src", "coordinator/src/cli", "coordinator/src/admin", "coordinator/src/sum-of.ts"],
    machine: ["node:fs", "node:fs/promises", "node:http", "node:https", "node:net", "node:tls"],
    why: "it speaks to the HTTP API only; `fettle coordinator …` alone reaches admin",
  },
  {
    path: "coordinator/src",
    values: ["*"],
    machine: MACHINE,
    why: "main, context and admin put the coordinator together",
  },
  { path: "test", values: ["*"], machine: MACHINE, why: "nobody imports it" },
  { path: "scripts", values: ["*"], machine: MACHINE, why: "the repository's own commands" },
];
