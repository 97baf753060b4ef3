import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Ask } from "@fettle/shared/protocol/ask.ts";
import type { ProbeTarget } from "@fettle/shared/roles/probe.ts";
import type { Keeper } from "./reconcile/keeper.ts";
import type { Host } from "./system/host.ts";

export interface AnswerParts {
  readonly host: Pick<Host, "net">;
  readonly keeper: Pick<Keeper, "preview">;
  /** What this machine's roles reach, as far as local policy lets it be probed. */
  readonly probes: () => readonly ProbeTarget[];
}

const PROBE_MS = 5_000;

/** Answers a question of the coordinator. Throws FettleError `agent.not-answered` for one that is not for this agent. */
export async function answer(ask: Ask, { host, keeper, probes }: AnswerParts): Promise<unknown> {
  switch (ask.kind) {
    case "plan":
      return keeper.preview(ask.params.roles);
    case "probe": {
      const { host: name, port } = ask.params;
      const known = probes().some((one) => one.host === name && one.port === port);
      if (!known) throw new FettleError("agent.not-answered", { what: `a probe of ${name}:${port}` });
      return { result: await host.net.probe(name, port, PROBE_MS) };
    }
    case "tail":
      throw new FettleError("agent.not-answered", { what: `the log of ${ask.params.source}` });
  }
}
