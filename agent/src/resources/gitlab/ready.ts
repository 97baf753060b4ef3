import type { Readiness } from "../../clients/gitlab/readiness.ts";
import { define } from "../define.ts";
import type { Resource, Verdict } from "../resource.ts";
import { accessWith, type Gitlab, LOOK_MS } from "./gitlab.ts";

/** GitLab's own checks pass, asked for on this machine. Fettle never restarts GitLab. */
export function ready(gitlab: Gitlab): Resource<Readiness> {
  const { url } = gitlab.params;
  return define<Readiness>({
    id: "gitlab.ready",
    declared: { url },
    everyMs: gitlab.pollMs,
    lookMs: LOOK_MS,
    observe: async (ctx, signal) => ctx.clients.gitlab.readiness(await accessWith(ctx, gitlab, null), signal),
    diff: (readiness) => diff(readiness, url),
  });
}

function diff(readiness: Readiness, url: string): Verdict {
  switch (readiness.kind) {
    case "ready":
      return { kind: "in-sync" };
    case "failing":
      return { kind: "blocked", code: "gitlab.ready.failing", args: { checks: readiness.checks.join(", ") } };
    case "not-allowed":
      return { kind: "blocked", code: "gitlab.ready.not-allowed", args: { url } };
    case "page":
      if (readiness.status === 503) return { kind: "waiting", code: "gitlab.ready.deploying", args: {} };
      return { kind: "blocked", code: "gitlab.ready.down", args: { problem: `status ${readiness.status}` } };
    case "down":
      return { kind: "blocked", code: "gitlab.ready.down", args: { problem: readiness.problem } };
  }
}
