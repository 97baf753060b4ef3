import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import { roleNamed } from "@fettle/shared/roles/roles.ts";

/** Role name -> its validated parameters. */
export type RoleParams = Readonly<Record<string, unknown>>;

/**
 * The parameters of every role, validated strictly. Throws `agent.too-old` with the first thing this agent does not
 * know: the last accepted state stays in force.
 */
export function validateRoles(roles: Desired["roles"]): RoleParams {
  const valid: Record<string, unknown> = {};
  for (const [name, params] of Object.entries(roles)) {
    const role = roleNamed(name);
    if (!role) throw new FettleError("agent.too-old", { problem: `it has no role ${name}` });
    const parsed = role.params.safeParse(params);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new FettleError("agent.too-old", {
        problem: `${[name, ...(issue?.path ?? [])].join(".")}: ${issue?.message ?? "invalid"}`,
      });
    }
    valid[name] = parsed.data;
  }
  return valid;
}
