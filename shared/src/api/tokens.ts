import * as z from "zod";
import { nodeName } from "../protocol/names.ts";
import { stackQuery } from "./fields.ts";
import { API_ROLES, type RouteContract } from "./route.ts";

/** A token with which one machine enrols once, within the hour. */
export const enrolmentTokenRoute = {
  name: "enrolment-token",
  method: "POST",
  path: "/v1/enrolment-tokens",
  role: "admin",
  query: stackQuery,
  body: z.strictObject({
    node: nodeName,
    /** Default: those that the stack declares for the node. */
    roles: z.array(z.string().max(40)).max(10).optional(),
  }),
  answer: z.object({
    stack: z.string(),
    /** Shown this once. */
    token: z.string(),
    id: z.string(),
    node: nodeName,
    roles: z.array(z.string()),
    expiresAt: z.number(),
  }),
} as const satisfies RouteContract;

/** A token for this API. */
export const apiTokenRoute = {
  name: "api-token",
  method: "POST",
  path: "/v1/api-tokens",
  role: "admin",
  query: stackQuery,
  body: z.strictObject({ name: nodeName, role: z.enum(API_ROLES) }),
  answer: z.object({ stack: z.string(), token: z.string(), id: z.string(), name: z.string(), role: z.enum(API_ROLES) }),
} as const satisfies RouteContract;

export const apiTokensRoute = {
  name: "api-tokens",
  method: "GET",
  path: "/v1/api-tokens",
  role: "admin",
  answer: z.object({
    tokens: z.array(
      z.object({
        id: z.string(),
        stack: z.string(),
        name: z.string(),
        role: z.enum(API_ROLES),
        createdAt: z.number(),
        revokedAt: z.number().nullable(),
      }),
    ),
  }),
} as const satisfies RouteContract;

export const revokeApiTokenRoute = {
  name: "api-token-revoked",
  method: "DELETE",
  path: "/v1/api-tokens/:id",
  role: "admin",
  params: z.object({ id: z.string().max(32) }),
  answer: z.object({ stack: z.string(), id: z.string() }),
} as const satisfies RouteContract;
