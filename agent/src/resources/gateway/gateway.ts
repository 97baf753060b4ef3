import type { GatewayParams } from "@fettle/shared/roles/gateway.ts";

/** What the kinds of this role share. */
export interface Gateway {
  readonly params: GatewayParams;
  /** Where the signing keys lie. */
  readonly secretsFolder: string;
  /** Takes a secret that is cut out of everything said from now on. */
  readonly remember: (secret: string) => void;
}
