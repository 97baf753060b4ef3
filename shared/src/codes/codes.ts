import { agentCodes } from "./agent.ts";
import { agentLocalCodes } from "./agent-local.ts";
import { agentUninstallCodes } from "./agent-uninstall.ts";
import { apiCodes } from "./api.ts";
import { backupCodes } from "./backup.ts";
import { cliCodes } from "./cli.ts";
import type { CodeDefinition } from "./code.ts";
import { coordinatorCodes } from "./coordinator.ts";
import { enrolmentCodes } from "./enrolment.ts";
import { gatewayCodes } from "./gateway.ts";
import { gatewayDockerCodes } from "./gateway-docker.ts";
import { gatewayImageCodes } from "./gateway-image.ts";
import { gitlabCodes } from "./gitlab.ts";
import { gitlabDuoCodes } from "./gitlab-duo.ts";
import { healthCodes } from "./health.ts";
import { hubCodes } from "./hub.ts";
import { identityCodes } from "./identity.ts";
import { installCodes } from "./install.ts";
import { linkCodes } from "./link.ts";
import { mirrorCodes } from "./mirror.ts";
import { ollamaCodes } from "./ollama.ts";
import { ollamaDriverCodes } from "./ollama-driver.ts";
import { policyCodes } from "./policy.ts";
import { stackCodes } from "./stack.ts";
import { steerCodes } from "./steer.ts";
import { storeCodes } from "./store.ts";
import { updateCodes } from "./update.ts";

/** The whole catalogue. A code that is not here does not compile. */
const catalogue = {
  ...gatewayCodes,
  ...gatewayDockerCodes,
  ...gatewayImageCodes,
  ...cliCodes,
  ...policyCodes,
  ...identityCodes,
  ...healthCodes,
  ...agentLocalCodes,
  ...agentUninstallCodes,
  ...agentCodes,
  ...linkCodes,
  ...gitlabCodes,
  ...gitlabDuoCodes,
  ...ollamaCodes,
  ...ollamaDriverCodes,
  ...stackCodes,
  ...steerCodes,
  ...storeCodes,
  ...updateCodes,
  ...hubCodes,
  ...enrolmentCodes,
  ...coordinatorCodes,
  ...installCodes,
  ...backupCodes,
  ...mirrorCodes,
  ...apiCodes,
};

export type Code = keyof typeof catalogue;

export const codes: Readonly<Record<Code, CodeDefinition>> = catalogue;
