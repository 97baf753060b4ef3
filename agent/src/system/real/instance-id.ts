/** Reads a field below /sys/class/dmi/id; empty where there is none. */
export type DmiField = (name: string) => string;

interface Cloud {
  readonly mark: string;
  readonly says: RegExp;
  /** The field that holds the instance's id, and what an id looks like there. */
  readonly field: string;
  readonly id: RegExp;
}

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** How the clouds tell a machine its id by its firmware; asking their metadata service would be a network call. */
const CLOUDS: readonly Cloud[] = [
  { mark: "sys_vendor", says: /^Amazon EC2$/, field: "board_asset_tag", id: /^i-[0-9a-f]+$/ },
  { mark: "product_name", says: /^Google( Compute Engine)?$/, field: "product_serial", id: /^GoogleCloud-[0-9A-F]+$/i },
  { mark: "chassis_asset_tag", says: /^7783-7084-3265-9085-8269-3286-77$/, field: "product_uuid", id: UUID },
  { mark: "chassis_asset_tag", says: /^OracleCloud\.com$/, field: "product_uuid", id: UUID },
  { mark: "sys_vendor", says: /^(OpenStack Foundation|RDO|Red Hat)$/, field: "product_uuid", id: UUID },
  { mark: "sys_vendor", says: /^(Hetzner|DigitalOcean)$/, field: "product_serial", id: /^\d+$/ },
  { mark: "sys_vendor", says: /^Alibaba Cloud$/, field: "product_serial", id: UUID },
];

/** The cloud's id of this instance, empty on own metal and where the cloud is not known. */
export function cloudInstanceId(dmi: DmiField): string {
  const cloud = CLOUDS.find(({ mark, says }) => says.test(dmi(mark)));
  const id = cloud === undefined ? "" : dmi(cloud.field);
  return cloud?.id.test(id) ? id : "";
}
