import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { EngineError } from "../../clients/engine/engine-error.ts";
import type { Spec } from "./spec.ts";

/** What the Engine says when a container cannot be made or started, by its code. */
export function startError(error: unknown, { address, caBundle, ports }: Spec): FettleError {
  const problem = messageOf(error).slice(0, 300);
  const options = { cause: error };
  if (!(error instanceof EngineError)) return new FettleError("gateway.docker.away", { problem }, options);
  if (/port is already allocated|address already in use/.test(problem)) {
    const at = /[\d.]+:\d+|\[[^\]]+\]:\d+/.exec(problem)?.[0] ?? `${address}:${ports.join(", ")}`;
    return new FettleError("gateway.container.port-held", { address: at, holder: "another program" }, options);
  }
  if (/cannot assign requested address/.test(problem))
    return new FettleError("gateway.container.address-absent", { address }, options);
  if (/bind source path does not exist/.test(problem))
    return new FettleError("gateway.container.ca-absent", { path: caBundle ?? "" }, options);
  if (/no space left on device/.test(problem))
    return new FettleError("gateway.container.disk-full", { problem }, options);
  return new FettleError("gateway.container.start-failed", { problem }, options);
}
