export const SEVERITIES = ["info", "warning", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Values for the `{names}` in a code's texts. Never a secret, never a prompt. */
export type CodeArgs = Readonly<Record<string, string | number>>;

/** One entry of the catalogue. Codes are `role.kind.problem` or `area.problem`, kebab-case, never reused. */
export interface CodeDefinition {
  readonly severity: Severity;
  /** What happened and why, with `{arguments}`. */
  readonly cause: string;
  /** What a person does next, with `{arguments}`; a command where there is one. */
  readonly remedy: string;
  /** HTTP status of an API answer with this code; 500 when absent. */
  readonly status?: number;
  /** True when the same request can succeed later without anybody doing anything. */
  readonly retryable?: boolean;
  /** Codes which, when present on the same node, explain this one: the status shows those instead. */
  readonly dependsOn?: readonly string[];
}

export type CodeFile = Readonly<Record<string, CodeDefinition>>;
