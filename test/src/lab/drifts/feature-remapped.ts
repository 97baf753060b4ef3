import { type AdminAccess, readFeatures, remapFeature } from "../../stand-ins/gitlab/admin-client.ts";
import { readFile } from "../host-files.ts";
import type { Lab } from "../lab.ts";
import { adminToken, gitlabCa } from "../products/gitlab-host.ts";
import type { Drift } from "./drift.ts";

const feature = "DUO_CHAT";

/** A mapping changed by another client of GitLab's GraphQL API, as its administration pages are. */
export const featureRemapped: Drift = {
  name: "feature mapping changed",
  node: "gitlab-1",
  resources: [`gitlab.feature[${feature}]`],
  async make(lab) {
    const access = await administrator(lab);
    await remapFeature(access, feature, "DISABLED");
    return Date.now();
  },
  async healed(lab) {
    const features = await readFeatures(await administrator(lab));
    const found = features.find((one) => one.feature.toUpperCase() === feature);
    return found?.provider.toUpperCase() === "SELF_HOSTED" && found.modelId !== null;
  },
};

/** GitLab by its address: its name is known in the lab alone, and its certificate is for both. */
async function administrator({ gitlab }: Lab): Promise<AdminAccess> {
  return { url: `https://${gitlab.address}`, ca: `${await readFile(gitlab, gitlabCa)}\n`, token: adminToken };
}
