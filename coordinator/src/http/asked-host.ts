import { hostName } from "@fettle/shared/api/install.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { printable } from "@fettle/shared/lib/printable.ts";

export interface AskedHost {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
}

const HTTPS_PORT = 443;

/**
 * Under which name and port a client asked, from its Host header: the way that works from where it is. Nothing but a
 * host name or an address passes, since it gets into a script. Throws `install.bad-host`.
 */
export function askedHost(header: string | undefined): AskedHost {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{1,253}))(?::(\d{1,5}))?$/.exec(header ?? "");
  const host = hostName(match?.[1] ?? match?.[2] ?? "");
  const port = Number(match?.[3] ?? HTTPS_PORT);
  if (match === null || host === null || port < 1 || port > 65_535)
    throw new FettleError("install.bad-host", { host: printable(header ?? "nothing").slice(0, 100) });
  return { host, port };
}
