import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DROP_IN } from "@fettle/agent/resources/ollama/unit-file.ts";
import { NODES } from "../sandbox/layout.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import type { State } from "../stand-ins/gitlab/state.ts";
import { engineAt, filesOf, gitlabControl, ollamaAt } from "./machines.ts";

/** What is the same after each way from nothing to in sync: no ids, no times, no addresses. */
export async function endState(sandbox: Sandbox): Promise<Readonly<Record<string, unknown>>> {
  const { folder, addresses, outside } = sandbox.layout;
  const places = [folder, ...Object.values(addresses), outside];
  const plain = (text: string) => places.reduce((rest, place, at) => rest.replaceAll(place, `<${at}>`), text);
  const dropIn = readFileSync(join(sandbox.rootOf("ollama-1"), DROP_IN), "utf8");
  return JSON.parse(
    plain(
      JSON.stringify({
        files: NODES.flatMap((node) => pathsOf(sandbox, node)),
        secrets: NODES.flatMap((node) => secretsOf(sandbox, node)),
        dropIn,
        containers: await containersOf(sandbox),
        models: await modelsOf(sandbox),
        gitlab: await gitlabOf(sandbox),
      }),
    ),
  );
}

function pathsOf(sandbox: Sandbox, node: (typeof NODES)[number]): string[] {
  // Ollama's own key and history come and go with its life.
  return Object.keys(filesOf(sandbox, node)).filter((path) => !/\/\.ollama\/|\/tmp\//.test(path));
}

/** Names and modes; what is in them is made by chance. */
function secretsOf(sandbox: Sandbox, node: (typeof NODES)[number]): string[] {
  const names = ["gitlab-token.json", "gitlab-token", "aigw-signing.pem", "aigw-validation.pem"];
  return names.flatMap((name) => {
    const path = join(sandbox.rootOf(node), "var/lib/fettle-agent/secrets", name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    return stat === undefined ? [] : [`${node} ${name} ${stat.mode.toString(8)}`];
  });
}

async function containersOf(sandbox: Sandbox): Promise<unknown> {
  const list = JSON.parse((await engineAt(sandbox, "GET", "/containers/json?all=true")).text) as {
    Names: string[];
    State: string;
    Labels: Record<string, string>;
  }[];
  return list.map(({ Names, State, Labels }) => ({ Names, State, role: Labels["dev.fettle.role"] }));
}

async function modelsOf(sandbox: Sandbox): Promise<unknown> {
  const { models } = JSON.parse((await ollamaAt(sandbox, "GET", "/api/tags")).text);
  return models.map(({ name, digest }: { name: string; digest: string }) => ({ name, digest }));
}

async function gitlabOf(sandbox: Sandbox): Promise<unknown> {
  const state = (await gitlabControl(sandbox, "GET", "/state")) as State;
  const { seats, models, features, duoSettings } = state;
  const { updatedAt, ...settings } = duoSettings;
  const records = Object.values(models).map(({ name, endpoint, identifier }) => ({ name, endpoint, identifier }));
  const mapped = Object.entries(features).map(([feature, { provider }]) => `${feature} ${provider}`);
  return { seats: Object.values(seats), records, mapped: mapped.sort(), settings, tokens: tokensOf(state) };
}

function tokensOf({ tokens }: State): string[] {
  return Object.values(tokens).map(({ name }) => name);
}
