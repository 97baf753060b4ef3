import { createHash } from "node:crypto";
import type { Cloud } from "@fettle/coordinator/cli/cloud-init/machines.ts";

/** A machine of a cloud as its metadata service and its firmware know it. */
export type Instance = {
  cloud: Cloud;
  /** `i-…` on AWS, a number on GCP. */
  id: string;
  name: string;
  address: string;
  /** As in `t3.large`. */
  type: string;
  /** User-data, or the start-up script; null when it was taken out. */
  script: string | null;
};

/** What `/sys/class/dmi/id` holds. */
export type Firmware = Record<string, string>;

export function firmwareOf({ cloud, id, type }: Instance): Firmware {
  const uuid = uuidOf(id);
  if (cloud === "gcp") {
    const serial = `GoogleCloud-${uuid.replaceAll("-", "").toUpperCase()}`;
    const product = "Google Compute Engine";
    return {
      sys_vendor: "Google",
      product_name: product,
      product_serial: serial,
      product_uuid: uuid,
      bios_vendor: "Google",
    };
  }
  const vendor = "Amazon EC2";
  const own = `ec2${uuid.slice(3)}`;
  const tags = { board_asset_tag: id, chassis_asset_tag: vendor };
  return {
    sys_vendor: vendor,
    product_name: type,
    product_serial: own,
    product_uuid: own,
    bios_vendor: vendor,
    ...tags,
  };
}

/** The firmware's name of an instance, as the agent says it. */
export function nameOf(instance: Instance): string {
  const { board_asset_tag: tag, product_serial: serial } = firmwareOf(instance);
  return tag ?? serial ?? "";
}

function uuidOf(id: string): string {
  const hex = createHash("sha256").update(id).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
