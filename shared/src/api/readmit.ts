import * as z from "zod";
import { machine } from "../protocol/machine.ts";
import { nodeName } from "../protocol/names.ts";
import type { RouteContract } from "./route.ts";

/**
 * Readmission on the operator's listener (7443), for an agent whose certificate has run out: GET brings a nonce, POST
 * is signed over it by the key of that certificate and by the new one. 200 is an enrolment's answer; 202 is "a person
 * has to say so first".
 */
export const READMIT_PATH = "/v1/readmit";

export const readmitNonce = z.object({
  /** Good for two minutes. */
  nonce: z.string().max(120),
  /** The coordinator's clock. */
  wallMs: z.number(),
});
export type ReadmitNonce = z.infer<typeof readmitNonce>;

export const readmitRequest = z.object({
  nonce: z.string().max(120),
  /** SubjectPublicKeyInfo of the key whose certificate has run out, PEM. */
  currentKey: z.string().max(1000),
  /** That of a new EC P-256 key, PEM. */
  newKey: z.string().max(1000),
  /** base64 ECDSA-SHA256 signatures (DER) by each over `readmitProof(…)`. */
  currentProof: z.string().max(200),
  newProof: z.string().max(200),
  machine,
});
export type ReadmitRequest = z.infer<typeof readmitRequest>;

type Signed = Pick<ReadmitRequest, "nonce" | "currentKey" | "newKey" | "machine">;

export function readmitProof(coordinatorName: string, { nonce, currentKey, newKey, machine }: Signed): string {
  const { machineId, instanceId, productUuid } = machine;
  return ["fettle-readmit", coordinatorName, nonce, machineId, instanceId, productUuid, currentKey, newKey].join("\n");
}

export const readmitPending = z.object({ state: z.literal("pending"), node: nodeName });
export type ReadmitPending = z.infer<typeof readmitPending>;

/** The operator's word: this machine is the node. */
export const readmitNodeRoute = {
  name: "node-readmitted",
  method: "POST",
  path: "/v1/nodes/:node/readmit",
  role: "admin",
  params: z.object({ node: nodeName }),
  /** An id of the machine that is meant; needed when several machines use the node's identity. */
  body: z.object({ machine: z.string().min(1).max(80).optional() }),
  answer: z.object({ stack: z.string(), node: nodeName, machine }),
} as const satisfies RouteContract;
