import { connect } from "node:net";
import type { Net } from "../net.ts";
import { codeOf } from "./system-error.ts";

type Result = Awaited<ReturnType<Net["probe"]>>;

export function probe(host: string, port: number, timeoutMs: number): Promise<Result> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let resolved = false;
    const timer = setTimeout(() => finish(resolved ? "filtered" : "unknown-name"), timeoutMs);
    function finish(result: Result): void {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    }
    socket.once("lookup", (error) => {
      resolved = error === null;
    });
    socket.once("connectionAttempt", () => {
      resolved = true;
    });
    socket.once("connect", () => finish("ok"));
    socket.on("error", (error) => finish(resultOf(codeOf(error))));
  });
}

function resultOf(code: string | undefined): Result {
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || code === "EAI_NODATA") return "unknown-name";
  if (code === "ECONNREFUSED" || code === "ECONNRESET") return "refused";
  return code === "ETIMEDOUT" ? "filtered" : "unreachable";
}
