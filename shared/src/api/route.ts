import type * as z from "zod";

/** Each role may do what those before it may. */
export const API_ROLES = ["viewer", "operator", "admin"] as const;
export type ApiRole = (typeof API_ROLES)[number];

/** One endpoint as both sides know it: the coordinator's handler and the client are typed by it. */
export interface RouteContract {
  /** Names the answer in `--json`: `fettle.dev/NAME/v1`. */
  readonly name: string;
  readonly method: "GET" | "POST" | "DELETE";
  /** As in `/v1/runs/:id`. */
  readonly path: string;
  readonly role: ApiRole;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly answer: z.ZodType;
  /** Server-sent events of `answer` instead of one. */
  readonly stream?: true;
}

type Output<T> = T extends z.ZodType ? z.output<T> : undefined;
type Input<T> = T extends z.ZodType ? z.input<T> : undefined;

export type Params<C extends RouteContract> = Output<C["params"]>;
export type Query<C extends RouteContract> = Output<C["query"]>;
export type Body<C extends RouteContract> = Output<C["body"]>;
export type Answer<C extends RouteContract> = z.output<C["answer"]>;

type Part<Name extends string, T> = T extends z.ZodType ? { readonly [K in Name]: Input<T> } : unknown;
/** What a client hands over to call the route. */
export type CallInput<C extends RouteContract> = Part<"params", C["params"]> &
  Part<"query", C["query"]> &
  Part<"body", C["body"]>;

/** The name in a machine-readable answer's `schema`. */
export function schemaName(name: string): string {
  return `fettle.dev/${name}/v1`;
}
