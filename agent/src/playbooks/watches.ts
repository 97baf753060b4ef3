import { type GatewayParams, gatewayParams } from "@fettle/shared/roles/gateway.ts";
import { type OllamaParams, ollamaParams } from "@fettle/shared/roles/ollama.ts";
import { DOCKER_UNIT, SECRETS } from "../resources/gateway/names.ts";
import { manifestFolder } from "../resources/ollama/manifest-path.ts";
import { MODELS_FOLDER } from "../resources/ollama/models-folder.ts";
import { DROP_IN_FOLDER, OLLAMA_UNIT } from "../resources/ollama/unit-file.ts";

/** What on the machine tells of a change in a role's resources at once; the sweep sees the rest. */
export interface RoleWatches {
  readonly files: readonly string[];
  readonly units: readonly string[];
  /** The Docker Engine's events are among it. */
  readonly engine: boolean;
}

const SYSTEMD = "/etc/systemd/system";

const watches: Readonly<Record<string, (params: unknown) => RoleWatches>> = {
  ollama: (params) => ({
    files: [SYSTEMD, DROP_IN_FOLDER, ...manifestFolders(ollamaParams.parse(params))],
    units: [OLLAMA_UNIT],
    engine: false,
  }),
  gateway: (params) => ({ files: gatewayFiles(gatewayParams.parse(params)), units: [DOCKER_UNIT], engine: true }),
  gitlab: () => ({ files: [], units: ["gitlab-runsvdir.service"], engine: false }),
};

function gatewayFiles({ caBundle }: GatewayParams): string[] {
  return [SECRETS, ...(caBundle === undefined ? [] : [caBundle])];
}

/** A model that is removed takes its manifest's folder with it. */
function manifestFolders({ models }: OllamaParams): string[] {
  return models.flatMap(({ name }) => manifestFolder(name) ?? []).map((folder) => `${MODELS_FOLDER}/${folder}`);
}

export function watchesOf(roles: Readonly<Record<string, unknown>>): RoleWatches {
  const all = Object.entries(roles).flatMap(([role, params]) => watches[role]?.(params) ?? []);
  return {
    files: [...new Set(all.flatMap(({ files }) => files))],
    units: all.flatMap(({ units }) => units),
    engine: all.some(({ engine }) => engine),
  };
}
