import { request } from "node:http";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly host?: string;
  readonly port?: number;
  readonly socketPath?: string;
  /** 30 s when not given. */
  readonly limitMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

const LIMIT_MS = 30_000;
/** For a look that is repeated anyway: a restart may swallow a request, and to wait for its answer would measure that. */
export const LOOK_MS = 300;

/** A plain HTTP request, as curl would make it beside Fettle. */
export function ask({ limitMs = LIMIT_MS, ...asked }: Asked, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const sent = request({ ...asked, headers, agent: false, timeout: limitMs }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on("error", reject);
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${limitMs} ms`)));
    sent.on("error", reject);
    sent.end(body);
  });
}
