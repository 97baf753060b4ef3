import { ipAddress, isUnspecified } from "@fettle/shared/lib/address.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import type { PolicyFacts } from "./facts.ts";
import { addressRefusal, ownAddressRefusal } from "./hosts.ts";
import { type LocalPolicy, OLLAMA_ENV } from "./local-policy.ts";
import { modelNameRefusal } from "./model-names.ts";
import { probeRefusal } from "./probes.ts";
import { type Refusal, Refusals, shown } from "./refusal.ts";
import type { Review } from "./review.ts";

const SERVER = ["ollama.drop-in", "ollama.service", "ollama.listening"];
/** What a unit file reads as plain text: printable ASCII without quotes, %, $, backslash and backtick. */
const PLAIN_VALUE = /^[\x20\x21\x23\x26\x28-\x5b\x5d-\x5f\x61-\x7e]*$/;

/** What this machine refuses of the parameters of the role ollama. */
export function reviewOllama(params: OllamaParams, policy: LocalPolicy, facts: PolicyFacts): Review {
  const refusals = new Refusals();
  const models = params.models.flatMap(({ name }) => [`ollama.model[${name}]`, `ollama.warm[${name}]`]);
  const everything = [...SERVER, ...models];
  refusals.add(everything, listenRefusal(params.listen.host, policy, facts));
  if (params.driver === "install" && policy.ollama.driver !== "install")
    refusals.add(["ollama.driver"], { code: "policy.driver", args: {} });
  for (const [name, value] of Object.entries(params.env)) refusals.add(SERVER, envRefusal(name, value, policy));
  for (const { name } of params.models)
    refusals.add([`ollama.model[${name}]`, `ollama.warm[${name}]`], modelNameRefusal(name, policy.ollama.registries));
  for (const probe of params.probes) refusals.add(["ollama.host"], probeRefusal(probe, {}, policy));
  return { refusals: refusals.map, pins: {} };
}

function listenRefusal(host: string, policy: LocalPolicy, facts: PolicyFacts): Refusal | null {
  const ip = ipAddress(host);
  if (ip !== null && isUnspecified(ip)) return { code: "policy.listen-everywhere", args: { found: shown(host) } };
  const what = "The address that Ollama listens on";
  return addressRefusal(what, host, policy) ?? ownAddressRefusal(what, host, facts.addresses);
}

function envRefusal(name: string, value: string, policy: LocalPolicy): Refusal | null {
  if (name === "OLLAMA_HOST") return { code: "policy.env-host", args: {} };
  if (!OLLAMA_ENV.includes(name) && !policy.ollama.env.includes(name))
    return {
      code: "policy.env-name",
      args: { found: shown(name), under: "policy.ollama.env", line: `- ${/^\w+$/.test(name) ? name : shown(name)}` },
    };
  return PLAIN_VALUE.test(value) ? null : { code: "policy.env-value", args: { name, found: shown(value) } };
}
