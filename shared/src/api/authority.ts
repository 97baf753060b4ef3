import * as z from "zod";
import { hash, nodeName } from "../protocol/names.ts";
import type { RouteContract } from "./route.ts";

/** The coordinator's CA and how its rotation stands. It belongs to no stack. */
const authorityAnswer = z.object({
  /** Hash of the root's key in use. */
  root: hash,
  /** Wall-clock ms of each certificate's end. */
  rootEndsAt: z.number(),
  issuerEndsAt: z.number(),
  serverEndsAt: z.number(),
  /** Whether the root's key is on the coordinator's machine. */
  rootKeyHere: z.boolean(),
  /** The server's key as curl pins it. */
  serverPin: z.string(),
  rotation: z
    .object({
      phase: z.enum(["distributing", "renewing"]),
      root: hash,
      /** Nodes that hold the next step up. */
      lacking: z.array(nodeName),
      /** Nodes that nobody waits for. */
      without: z.array(z.string()),
    })
    .nullable(),
});
export type AuthorityAnswer = z.infer<typeof authorityAnswer>;

export const authorityRoute = {
  name: "authority",
  method: "GET",
  path: "/v1/authority",
  role: "viewer",
  answer: authorityAnswer,
} as const satisfies RouteContract;

/** Starts a rotation, or goes on with the one under way. */
export const rotateRoute = {
  name: "authority-rotation",
  method: "POST",
  path: "/v1/authority/rotation",
  role: "admin",
  body: z.strictObject({ without: z.array(nodeName).max(500).default([]) }),
  answer: authorityAnswer,
} as const satisfies RouteContract;
