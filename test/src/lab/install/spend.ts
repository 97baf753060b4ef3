import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { enrolProof } from "@fettle/shared/api/enrol.ts";
import { must } from "@fettle/shared/lib/must.ts";
import type { Host } from "../host.ts";
import type { Minted } from "./bench.ts";

/** Uses a token up, as a machine would that came before. */
export async function spend(host: Host, { token, url }: Minted, instanceId: string): Promise<void> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "pem" }).toString();
  const id = must(token.split(".")[2], "the token's id");
  const proof = sign("sha256", Buffer.from(enrolProof(id, publicKey)), privateKey).toString("base64");
  const body = JSON.stringify({ token, publicKey, proof, machineId: "spent", instanceId, version: "0.1.0" });
  const at = new URL("/v1/enrol", url).href;
  await host.run(["curl", "-q", "-fsSk", "-H", "content-type: application/json", "-d", "@-", at], { input: body });
}
