import { hashOf } from "@fettle/shared/lib/canonical.ts";
import { gateway } from "./gateway.ts";
import { gitlab } from "./gitlab.ts";
import { ollama } from "./ollama.ts";
import type { CompiledGate, CompileInput, RoleCompiler } from "./role-compiler.ts";

/** One line a role, in the order of a request. */
const compilers: readonly RoleCompiler[] = [gitlab, gateway, ollama];

export interface CompiledNode {
  readonly node: string;
  /** `{role: params}`; empty for a node that no section names: what it had is released. */
  readonly roles: Readonly<Record<string, unknown>>;
  /** sha256 of the canonical JSON of `roles`: the generation counts its changes. */
  readonly hash: string;
  readonly gates: readonly CompiledGate[];
  /** Every role that the stack declares for the node. */
  readonly declared: readonly string[];
  /** Declared roles that the node's agent does not know; they are left out until it is updated. */
  readonly unknownRoles: readonly string[];
}

/** What one node is to be. Pure: the same input gives the same hash on every machine. */
export function compileNode(input: CompileInput, node: string): CompiledNode {
  const declared = compilers.filter((compiler) => compiler.nodes(input.spec).includes(node));
  const known = declared.filter((compiler) => understands(input, node, compiler.role));
  const roles = Object.fromEntries(known.map((compiler) => [compiler.role, compiler.params(input, node)]));
  return {
    node,
    roles,
    hash: hashOf(roles),
    gates: known.flatMap((compiler) => compiler.gates(input, node)),
    declared: declared.map((compiler) => compiler.role),
    unknownRoles: declared.filter((compiler) => !known.includes(compiler)).map((compiler) => compiler.role),
  };
}

export function compileStack(input: CompileInput): readonly CompiledNode[] {
  return Object.keys(input.spec.nodes)
    .sort()
    .map((node) => compileNode(input, node));
}

function understands({ capabilities }: CompileInput, node: string, role: string): boolean {
  const said = capabilities.get(node);
  return said === undefined || said.some((capability) => capability.startsWith(`${role}.`));
}
