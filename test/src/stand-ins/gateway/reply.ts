/** An answer of the HTTP API: JSON, or text that arrives in pieces. */
export type Reply = { status: number; json: unknown } | { status: number; pieces: AsyncIterable<string> };

/** Ends a request with FastAPI's `{"detail": …}`. */
export class HttpProblem extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

export const invalid = (): HttpProblem => new HttpProblem(422, "Validation error");
export const inferenceFailed = (): HttpProblem => new HttpProblem(503, "Inference failed");
