import { must } from "@fettle/shared/lib/must.ts";
import t from "tap";
import { adminOf } from "../sandbox/drifts.ts";
import { readFeatures, readModels } from "../stand-ins/gitlab/admin-client.ts";
import { startWorld } from "./world.ts";

t.setTimeout(110_000);

const FEATURES = ["code_completions", "code_generations", "duo_chat"];

for (const gitlabVersion of ["17.9.2-ee", "18.8.2-ee", "19.5.0-ee"]) {
  t.test(`the same stack file gives the same state on GitLab ${gitlabVersion}`, async (t) => {
    const world = await startWorld(t, { gitlabVersion });
    await world.inSync();
    const access = adminOf(world.sandbox);
    const models = await readModels(access);
    t.match(models, [{ identifier: "custom_openai/mistral:instruct", endpoint: /^http:\/\/127\..*:11434\/v1$/ }]);
    t.equal(models.length, 1);
    const { id } = must(models[0], "the model");
    const mapped = (await readFeatures(access)).filter(({ modelId }) => modelId === id);
    t.same(mapped.map(({ feature }) => feature.toLowerCase()).sort(), FEATURES);
    const answers = await world.resource("gitlab-1", "gitlab.answers[mistral]");
    t.equal(answers.state, "in-sync", "the model answers through the gateway");
  });
}

t.test("GitLab 17.8 has no setting for it: blocked, with what a person sets, and the rest goes on", async (t) => {
  const world = await startWorld(t, { gitlabVersion: "17.8.0-ee" });
  await world.until("the setting is blocked", 30_000, async () => {
    const { people } = await world.status();
    return people.some(({ code }) => code === "gitlab.duo-settings.version");
  });
  const { people } = await world.status();
  const said = people.find(({ code }) => code === "gitlab.duo-settings.version");
  t.match(said?.remedy, /AI_GATEWAY_URL/);
  await world.until("Ollama is in sync", 30_000, async () => (await world.node("ollama-1")).word === "in-sync");
});
