import { containerStopped } from "./container-stopped.ts";
import type { Drift } from "./drift.ts";
import { featureRemapped } from "./feature-remapped.ts";
import { modelRemoved } from "./model-removed.ts";
import { ollamaHost } from "./ollama-host.ts";

export const drifts: Drift[] = [ollamaHost, modelRemoved, containerStopped, featureRemapped];
