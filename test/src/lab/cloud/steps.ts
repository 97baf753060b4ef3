import { arrival } from "../bare/install-steps.ts";
import { awsSteps } from "./aws-steps.ts";
import type { CloudStep } from "./cloud-lab.ts";
import { driverSteps } from "./driver-steps.ts";
import { gcpSteps } from "./gcp-steps.ts";

/** The page's parts on AWS and GCP, on machines that are as the clouds' are. */
export function cloudSteps(): CloudStep[] {
  return [
    ...arrival.filter(({ name }) => name.startsWith("the coordinator")),
    ...awsSteps(),
    ...gcpSteps(),
    ...driverSteps,
  ];
}
