import { FettleError } from "@fettle/shared/lib/errors.ts";
import * as z from "zod";
import type { Host } from "../../system/host.ts";
import type { GitlabAccess } from "./access.ts";
import { exchange, type JsonAnswer } from "./exchange.ts";
import { READ_ONLY } from "./graphql.ts";

const PATH = "/api/v4/application/settings";
const settings = z.object({
  outbound_local_requests_whitelist: z.array(z.string()),
  allow_local_requests_from_web_hooks_and_services: z.boolean().optional(),
  maintenance_mode: z.boolean().nullish(),
});

const refusal = z.object({ message: z.string() });

/** The instance's settings that Fettle looks at. */
export interface ApplicationSettings {
  /** Addresses that GitLab may call although they are private. */
  readonly outbound: readonly string[];
  readonly allowsLocal: boolean;
  readonly maintenance: boolean;
}

/** Throws FettleError as `exchange` does, `gitlab.token.rejected`, or `gitlab.api.refused` for who is no administrator. */
export async function applicationSettings(
  host: Host,
  access: GitlabAccess,
  signal: AbortSignal,
): Promise<ApplicationSettings> {
  return settingsFrom(await exchange(host, access, { path: PATH }, signal), access);
}

/** GitLab replaces the list by this one. */
export async function replaceOutbound(
  host: Host,
  access: GitlabAccess,
  list: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const body = { outbound_local_requests_whitelist: list };
  settingsFrom(await exchange(host, access, { method: "PUT", path: PATH, body }, signal), access);
}

function settingsFrom({ status, json }: JsonAnswer, { url }: GitlabAccess): ApplicationSettings {
  if (status === 401) throw new FettleError("gitlab.token.rejected", { url });
  const said = refusal.safeParse(json);
  if (status !== 200 && said.success && READ_ONLY.test(said.data.message))
    throw new FettleError("gitlab.writable.readonly", { why: said.data.message });
  const parsed = settings.safeParse(json);
  if (status !== 200 || !parsed.success)
    throw new FettleError("gitlab.api.refused", { what: "application/settings", problem: `status ${status}` });
  return {
    outbound: parsed.data.outbound_local_requests_whitelist,
    allowsLocal: parsed.data.allow_local_requests_from_web_hooks_and_services === true,
    maintenance: parsed.data.maintenance_mode === true,
  };
}
