import { request } from "node:http";

/** One request on a connection of its own: a kept one would count as a user of the server. */
export function ask(url: string, method = "GET", body?: unknown): Promise<unknown> {
  const text = body === undefined ? "" : JSON.stringify(body);
  const headers = { "content-length": Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false, timeout: 5_000 }, (answer) => {
      let said = "";
      answer.setEncoding("utf8").on("data", (piece: string) => {
        said += piece;
      });
      answer.on("end", () => resolve(said === "" ? null : JSON.parse(said)));
      answer.on("error", reject);
    });
    asked.on("timeout", () => asked.destroy(new Error(`${url} does not answer`)));
    asked.on("error", reject);
    asked.end(text);
  });
}
