import * as z from "zod";

/** By what one machine is told from another; empty where there is none. */
export const machine = z.object({
  /** `/etc/machine-id`. */
  machineId: z.string().max(80),
  /** The cloud's id of this instance. */
  instanceId: z.string().max(80),
  /** The firmware's id of this machine. */
  productUuid: z.string().max(80),
});
export type Machine = z.infer<typeof machine>;

export interface MachineDifference {
  readonly what: string;
  readonly bound: string;
  readonly found: string;
}

/**
 * Why these are two machines; null when nothing says so: what is empty on either side is no difference. The same cloud
 * instance may show another firmware id after it was resized; containers of one host share it and differ in machine-id.
 */
export function machineDifference(bound: Machine, found: Machine): MachineDifference | null {
  const sameInstance = bound.instanceId !== "" && bound.instanceId === found.instanceId;
  const looked = [
    ["cloud instance", bound.instanceId, found.instanceId],
    ["machine-id", bound.machineId, found.machineId],
    ...(sameInstance ? [] : [["firmware id", bound.productUuid.toLowerCase(), found.productUuid.toLowerCase()]]),
  ] as const;
  for (const [what = "", before = "", now = ""] of looked)
    if (before !== "" && now !== "" && before !== now) return { what, bound: before, found: now };
  return null;
}

/** Values that are not there come as empty ones. */
export function machineOf(said: {
  machineId: string;
  instanceId?: string | null | undefined;
  productUuid?: string | null | undefined;
}): Machine {
  return { machineId: said.machineId, instanceId: said.instanceId ?? "", productUuid: said.productUuid ?? "" };
}

/** As people tell machines from each other. */
export function machineText({ machineId, instanceId, productUuid }: Machine): string {
  const parts = [
    instanceId && `instance ${instanceId}`,
    machineId && `machine-id ${machineId}`,
    productUuid && `firmware ${productUuid}`,
  ];
  return parts.filter((part) => part !== "").join(", ") || "a machine without any id";
}
