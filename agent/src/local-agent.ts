import { codes } from "@fettle/shared/codes/codes.ts";
import { render, renderAt } from "@fettle/shared/codes/render.ts";
import { uuidv7 } from "@fettle/shared/lib/uuid.ts";
import { VERSION } from "@fettle/shared/lib/version.ts";
import type { PlanResult } from "@fettle/shared/protocol/plan.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import type { LinkStatus } from "./link/status.ts";
import type { LocalAgent } from "./local/local-agent.ts";
import type { LocalPolicyView, LocalStatus, LocalWhy } from "./local/views.ts";
import type { LocalPolicy } from "./policy/local-policy.ts";
import { readPins } from "./policy/pins.ts";
import type { Loop } from "./reconcile/loop.ts";
import type { Identity } from "./store/identity.ts";
import type { Store } from "./store/store.ts";

export interface LocalAgentParts {
  readonly store: Store;
  readonly loop: Loop;
  readonly now: () => number;
  readonly identity: () => Identity | null;
  readonly link: () => LinkStatus;
  readonly report: () => Report;
  /** The report and the audit have changed: the coordinator is told at once. */
  readonly onChange: () => void;
  /** Looks at what is declared now. */
  readonly plan: () => Promise<PlanResult>;
  /** Takes up a release that lies on this machine. */
  readonly update: (path: string) => Promise<{ readonly from: string; readonly version: string }>;
  readonly policy: LocalPolicy;
  readonly policyPath: string;
}

const RUNS = 20;

/** What the commands on this machine see of the running agent, and the two things they may do. */
export function localAgent(parts: LocalAgentParts): LocalAgent {
  const { store, loop, now } = parts;
  const done = (who: string, what: string): void => {
    store.audit.add({ id: uuidv7(now()), at: now(), who, what });
    loop.wake("operator");
    parts.onChange();
  };
  return {
    status: () => status(parts),
    plan: () => parts.plan(),
    pause(pause, by) {
      store.pauses.set(pause);
      done(by, `pause ${pause.scope}: ${pause.reason}`);
    },
    resume(scope, by) {
      const removed = store.pauses.remove(scope);
      if (removed) done(by, `resume ${scope}`);
      return removed;
    },
    why: (id) => why(parts, id),
    policy: () => policyView(parts),
    async update(path, by) {
      const taken = await parts.update(path);
      done(by, `update ${taken.from} -> ${taken.version} from ${path}`);
      return taken;
    },
  };
}

function status({ loop, identity, link, report }: LocalAgentParts): LocalStatus {
  const known = identity();
  const { state, coordinator, since, heardAt, problem } = link();
  const said = problem && { code: problem.code, message: problem.message, remedy: problem.remedy };
  return {
    version: VERSION,
    node: known?.node ?? null,
    stack: known?.stack ?? null,
    mode: loop.standing.resources.length > 0 ? loop.standing.policy.mode : null,
    link: { state, coordinator, since, heardAt, problem: said },
    report: report(),
  };
}

function why({ store, loop, identity }: LocalAgentParts, id: string): LocalWhy | null {
  const resource = loop.resources().find((one) => one.id === id);
  if (!resource) return null;
  const definition = Object.entries(codes).find(([code]) => code === resource.code)?.[1];
  return {
    resource,
    remedy: definition
      ? renderAt(definition.remedy, { ...resource.args }, `${identity()?.node ?? "NODE"}/${id}`)
      : null,
    after: [...(loop.standing.resources.find((one) => one.id === id)?.after ?? [])],
    runs: store.runs.of(id, RUNS),
  };
}

function policyView({ store, loop, policy, policyPath }: LocalAgentParts): LocalPolicyView {
  const pins = Object.entries(readPins(store.kept)).map(([kind, hosts]) => [kind, [...(hosts ?? [])]]);
  const refusals = [...loop.standing.refusals].map(([id, { code, args }]) => {
    const { cause, remedy } = codes[code];
    return [id, { code, message: render(cause, args), remedy: render(remedy, args) }];
  });
  return {
    path: policyPath,
    policy: { ...policy },
    pins: Object.fromEntries(pins),
    refusals: Object.fromEntries(refusals),
  };
}
