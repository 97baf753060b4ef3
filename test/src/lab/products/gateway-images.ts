import { join } from "node:path";
import { bundle } from "../../../../scripts/bundle.ts";
import type { LabConfig } from "../config.ts";
import { gatewayRepository, publishGatewayImage } from "../gateway-image.ts";

/** What there is to choose from: three generations, and two patches of the one in the middle. */
const versions = ["17.9.1", "18.8.0", "18.8.1", "19.5.0"];

/** Publishes the gateway's images; each is another image, since each says its version. */
export async function publishGateways(config: LabConfig): Promise<void> {
  const folder = join(config.folder, "dist/gateway");
  await bundle({ entries: { gateway: "test/src/stand-ins/gateway/main.ts" }, folder, from: "test" });
  for (const version of versions) {
    const reference = `${gatewayRepository}:self-hosted-v${version}-ee`;
    const env = { STAND_IN_VERSION: version, ENABLE_DUO_WORKFLOW_SERVICE: "true" };
    await publishGatewayImage(config, { bundle: join(folder, "gateway.mjs"), reference, env });
  }
}
