import * as z from "zod";
import { nodeName } from "../protocol/names.ts";
import { stackQuery } from "./fields.ts";
import { coordinatorHost } from "./install.ts";
import { API_ROLES, type RouteContract } from "./route.ts";

const MINUTE_S = 60;
export const MAX_TOKEN_LIFE_S = 24 * 60 * MINUTE_S;

/** A token with which one machine enrols once; within the hour unless another time is asked for. */
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
    /** Under which the machine reaches the coordinator; default: the first of `addresses`. */
    address: coordinatorHost.optional(),
    lifeSeconds: z.number().int().min(MINUTE_S).max(MAX_TOKEN_LIFE_S).optional(),
    /** The only cloud instance that may use it; default: the first machine that does. */
    instanceId: z
      .string()
      .regex(/^[A-Za-z0-9._:-]{1,80}$/, { error: "the cloud's id of an instance, as in i-0abc" })
      .optional(),
  }),
  answer: z.object({
    stack: z.string(),
    /** Shown this once. */
    token: z.string(),
    id: z.string(),
    node: nodeName,
    roles: z.array(z.string()),
    expiresAt: z.number(),
    /** The pin of the coordinator's key, as curl takes it. */
    pin: z.string(),
    /** Where the coordinator may be reached, the likeliest first. */
    addresses: z.array(z.string()),
    /** The install script's, and the line that fetches and runs it; null while no address is known. */
    url: z.string().nullable(),
    line: z.string().nullable(),
    /** Of the agent, that the script would install; empty when there is none yet. */
    releases: z.array(z.object({ version: z.string(), arch: z.string() })),
    /** Where they are looked for. */
    releaseFolders: z.array(z.string()),
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
  answer: z.object({
    stack: z.string(),
    /** Shown this once. */
    token: z.string(),
    id: z.string(),
    name: z.string(),
    role: z.enum(API_ROLES),
    /** For `fettle login` from elsewhere; null while no address is known. */
    url: z.string().nullable(),
    pin: z.string(),
  }),
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
