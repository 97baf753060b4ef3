import type { Lab } from "../lab.ts";
import type { NodeName } from "../layout.ts";

/** Something that somebody does to the stack from outside, never by a call that an agent makes too. */
export type Drift = {
  name: string;
  node: NodeName;
  /** Resources whose repair it takes. */
  resources: string[];
  /** Gives the wall-clock ms of its event. */
  make(lab: Lab): Promise<number>;
  /** True when the world is as declared, seen from outside. */
  healed(lab: Lab): Promise<boolean>;
};
