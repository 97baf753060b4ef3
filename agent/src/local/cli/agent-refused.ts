import type { ErrorAnswer } from "@fettle/shared/api/error.ts";

/** The running agent refused a call; code, text and remedy are its own. */
export class AgentRefused extends Error {
  readonly code: string;
  readonly remedy: string;

  constructor({ code, message, remedy }: Pick<ErrorAnswer["error"], "code" | "message" | "remedy">) {
    super(message);
    this.code = code;
    this.remedy = remedy;
  }
}
