import { mutate } from "../../stand-ins/gitlab/kit.ts";
import type { Bench } from "./bench.ts";

/** What the cases declare: mapped features and one that is off. */
export const FEATURES = [
  { feature: "CODE_GENERATIONS", model: "mistral", policy: "repair" },
  { feature: "CODE_COMPLETIONS", model: "mistral", policy: "repair" },
  { feature: "DUO_CHAT", model: "mistral", policy: "repair" },
  { feature: "DUO_CHAT_WRITE_TESTS", model: null, policy: "repair" },
] as const;
/** A GitLab whose outbound filter is not in the way. */
export const OPEN = { outboundFilter: false };

export const recordsOf = ({ gitlab }: Bench) => gitlab.world.store.state.models;
export const featuresOf = ({ gitlab }: Bench) => gitlab.world.store.state.features;
export const settingsOf = ({ gitlab }: Bench) => gitlab.world.store.state.duoSettings;
/** Maps a feature as another administrator would. */
export const remap = (bench: Bench, feature: string, provider: string) =>
  mutate(bench.gitlab, "aiFeatureSettingUpdate", { features: [feature], provider });
