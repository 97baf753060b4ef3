import type { Fault, Path } from "../problem.ts";
import type { Check, CheckInput } from "./check.ts";

/** Sections that need each other, and a stack that says nothing. */
export const completeness: Check = (input) => [...together(input), ...empty(input)];

function together({ keys }: CheckInput): Fault[] {
  const has = keys(["spec"]);
  const pairs = [
    ["gitlab", "gateway"],
    ["gateway", "gitlab"],
  ] as const;
  return pairs.flatMap(([one, other]): Fault[] => {
    if (!has.includes(one) || has.includes(other)) return [];
    const args = { one, other };
    return [
      { code: "stack.incomplete", path: ["spec", one], at: "key", found: one, allowed: `${one} and ${other}`, args },
    ];
  });
}

/** An empty stack never means "remove everything", so it is refused. */
function empty({ keys }: CheckInput): Fault[] {
  const path: Path = ["spec"];
  const sections = keys(path);
  if (sections.includes("gitlab") || sections.includes("gateway")) return [];
  if (keys(["spec", "modelServers"]).length > 0) return [];
  return [{ code: "stack.empty", path, at: "key", found: "no role", allowed: "gitlab with gateway, or modelServers" }];
}
