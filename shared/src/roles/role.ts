import type * as z from "zod";

/** A port that a role serves or reaches, for the port matrix and the firewall text. */
export interface RolePort {
  readonly service: "gateway" | "platform" | "gitlab" | "ollama";
  readonly port: number;
}

/** What a gate waits for: a resource kind of a role, possibly on another node. */
export interface RoleGate {
  /** The kind that is held, as in `gitlab.model`. */
  readonly kind: string;
  /** What it waits for, in words. */
  readonly fact: string;
}

/** A role as data. What a role does is code that came with the agent; this is what both programs know of it. */
export interface Role<Params extends z.ZodType = z.ZodType> {
  readonly name: string;
  /** Strict: an unknown key is refused. */
  readonly params: Params;
  readonly ports: readonly RolePort[];
  /** The resource that is in sync while the role serves requests. */
  readonly serves: string;
  readonly gates: readonly RoleGate[];
  /** What an agent of this version says in hello; compile keeps to it. */
  readonly capabilities: readonly string[];
  /** Sizes below which the host gives a warning. */
  readonly host: { readonly diskBytes: number; readonly memoryBytes: number };
}

export const GB = 1_000_000_000;
