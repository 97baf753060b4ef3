import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import type { GitlabModel } from "@fettle/shared/roles/gitlab.ts";

/** What a failed test of a model means: the hop that is broken. */
export interface Hop {
  readonly code: Code;
  readonly args: CodeArgs;
}

interface Chain {
  readonly model: GitlabModel;
  readonly gatewayUrl: string;
  readonly version: string;
  readonly seconds: number;
}

type Reading = (match: RegExpExecArray, chain: Chain) => Hop;

/** GitLab's words (facts: sections 1.1, 4.5 and 6), the first that fits. No prompt is in them: GitLab makes its own. */
const READINGS: ReadonlyArray<readonly [said: RegExp, reading: Reading]> = [
  [/Failed to open TCP connection to (cloud\.gitlab\.com)/, (_, { model }) => hop("no-gateway", { model: model.key })],
  [
    /Failed to open TCP connection to (\S+) \((.*)\)/,
    (match, { model }) =>
      hop("gateway-unreachable", { model: model.key, address: at(match, 1), problem: at(match, 2) }),
  ],
  [/end of file reached|Connection reset/, (match, chain) => unreachable(match, chain)],
  [/certificate verify failed[^)]*|SSL_connect.*/, (match) => hop("gateway-tls", { problem: at(match, 0) })],
  [/ReadTimeout|execution expired|Timeout on reading|request timed out/i, (_, chain) => timeout(chain)],
  [/model server returned code 404/, (_, { model }) => hop("model-absent", hosted(model))],
  [/model server returned code 408/, (_, chain) => timeout(chain)],
  [
    /model server returned code (\d+)/,
    (match, { model }) => hop("model-refuses", { ...hosted(model), status: at(match, 1) }),
  ],
  [
    /returned code (401|403):? ?(.*)/,
    (match, { model }) => hop("gateway-refuses", { model: model.key, status: at(match, 1), problem: at(match, 2) }),
  ],
  [/returned code 503:? ?.*Inference failed/, (_, { model }) => hop("model-unreachable", hosted(model))],
  [
    /returned code (400|404|405|422):? ?(.*)/,
    (match, { version }) => hop("gateway-mismatch", { version, status: at(match, 1), problem: at(match, 2) }),
  ],
];

export function hopOf(message: string, chain: Chain): Hop {
  for (const [said, reading] of READINGS) {
    const match = said.exec(message);
    if (match) return reading(match, chain);
  }
  return hop("failed", { model: chain.model.key, problem: message.slice(0, 300) });
}

export function timeout({ model, seconds }: Chain): Hop {
  return hop("timeout", { model: model.key, seconds });
}

function unreachable(match: RegExpExecArray, { model, gatewayUrl }: Chain): Hop {
  return hop("gateway-unreachable", { model: model.key, address: gatewayUrl, problem: at(match, 0) });
}

function hosted({ endpoint, identifier }: GitlabModel): CodeArgs {
  return { endpoint, identifier };
}

type Problem =
  | "no-gateway"
  | "gateway-unreachable"
  | "gateway-tls"
  | "gateway-refuses"
  | "gateway-mismatch"
  | "model-absent"
  | "model-refuses"
  | "model-unreachable"
  | "timeout"
  | "failed";

function hop(problem: Problem, args: CodeArgs): Hop {
  return { code: `gitlab.answers.${problem}`, args };
}

function at(match: RegExpExecArray, group: number): string {
  return (match[group] ?? "").trim().slice(0, 200);
}
