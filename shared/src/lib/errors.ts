import type { CodeArgs } from "../codes/code.ts";
import type { Code } from "../codes/codes.ts";
import { codes } from "../codes/codes.ts";
import { render } from "../codes/render.ts";

/**
 * An error with a stable code of the catalogue (shared/codes). Its message is the code's cause with the arguments
 * filled in; `remedy` says what to do next.
 */
export class FettleError extends Error {
  override readonly name = "FettleError";
  readonly code: Code;
  readonly args: CodeArgs;

  constructor(code: Code, args: CodeArgs = {}, options?: { cause?: unknown }) {
    super(render(codes[code].cause, args), options);
    this.code = code;
    this.args = args;
  }

  get remedy(): string {
    return render(codes[this.code].remedy, this.args);
  }

  /** The HTTP status that an API answer with this error carries. */
  get status(): number {
    return codes[this.code].status ?? 500;
  }

  get retryable(): boolean {
    return codes[this.code].retryable ?? false;
  }
}

/** The text of anything thrown, for a log field. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
