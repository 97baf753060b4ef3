import { type Answer, json, text } from "./answer.ts";
import { inBlock } from "./outbound.ts";
import { notFound } from "./pages.ts";
import type { World } from "./world.ts";

const ALL_CHECKS = [
  "db_check",
  "cache_check",
  "queues_check",
  "rate_limiting_check",
  "sessions_check",
  "shared_state_check",
  "trace_chunks_check",
  "gitaly_check",
];

/** `/-/health`, `/-/readiness`, `/-/liveness` and `/health_check`; a page not found for whoever may not ask. */
export function answerMonitoring(world: World, path: string, query: URLSearchParams, address: string): Answer | null {
  if (!/^\/(-\/(health|readiness|liveness)|health_check(\/.*)?)$/.test(path)) return null;
  if (!mayAsk(world, address)) return notFound();
  if (path === "/-/health") return text(200, "GitLab OK\n");
  if (path === "/-/liveness") return json(200, { status: "ok" });
  if (path === "/-/readiness") return readiness(world, query.get("all") === "1");
  return healthCheck(world, path);
}

/** The short form looks at the web server's own master process only; `all=1` also at what it depends on. */
function readiness(world: World, all: boolean): Answer {
  const failing = world.faults.now.readiness;
  const checks: Record<string, unknown> = {};
  for (const name of ["master_check", ...(all ? ALL_CHECKS : [])]) checks[name] = [checkOf(name, failing)];
  const ok = !Object.keys(checks).some((name) => failing.includes(name));
  return json(ok ? 200 : 503, { status: ok ? "ok" : "failed", ...checks });
}

function checkOf(name: string, failing: readonly string[]): Record<string, unknown> {
  if (!failing.includes(name)) return { status: "ok" };
  const what = name.replace(/_check$/, "").replace(/^./, (letter) => letter.toUpperCase());
  return { status: "failed", message: `unexpected ${what} check result: false` };
}

function healthCheck(world: World, path: string): Answer {
  const migrations = path === "/health_check" || path.endsWith("/migrations");
  if (migrations && world.faults.now.migrationsPending) {
    return text(500, "health_check failed: Migrations are pending.\n");
  }
  return text(200, "success\n");
}

function mayAsk(world: World, address: string): boolean {
  const plain = address.replace(/^::ffff:/, "");
  return world.store.state.monitoringAllowlist.some((entry) => {
    const [block, bits] = entry.split("/");
    return bits === undefined ? entry === plain : inBlock(block ?? "", Number(bits), plain);
  });
}
