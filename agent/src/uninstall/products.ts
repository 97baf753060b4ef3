import { GATEWAY_CONTAINER } from "@fettle/shared/roles/gateway.ts";
import * as z from "zod";
import { ENGINE_SOCKET } from "../clients/engine/call.ts";
import type { ListedContainer } from "../clients/engine/container.ts";
import type { EngineClient } from "../clients/engine/engine.ts";
import { isOurs, nameOf } from "../resources/gateway/containers.ts";
import { PIN_REPOSITORY } from "../resources/gateway/image-pin.ts";
import { keyPath } from "../resources/gateway/key-files.ts";
import { KEYS, type KeyName } from "../resources/gateway/key-names.ts";
import { SET_ASIDE } from "../resources/gateway/set-aside-keys.ts";
import { STORE } from "../resources/ollama/program-store.ts";
import { DROP_IN, OLLAMA_UNIT, UNIT_FILE } from "../resources/ollama/unit-file.ts";
import type { Files } from "../system/files.ts";

const OLLAMA = "/usr/local/bin/ollama";
const RUNNING = new Set(["running", "paused", "restarting"]);
const ASK_MS = 20_000;
const gatewayParams = z.object({ caBundle: z.string().optional() });

/** Something that a product needs and that stays. */
export interface Stay {
  readonly what: string;
  /** How a person removes it; null when there is nothing to remove. */
  readonly byHand: string | null;
  /** What --purge-config does about it and what that stops at the product's next restart; null: it stays even then. */
  readonly purged: string | null;
}

export interface Products {
  readonly stays: readonly Stay[];
  readonly dropIn: boolean;
  readonly containers: readonly ListedContainer[];
  /** Signing keys are kept for a container that is there, or that may be there. */
  readonly keepsKeys: boolean;
  /** There are signing keys, in the agent's folder or set aside. */
  readonly keys: boolean;
}

export interface ProductParts {
  readonly files: Files;
  readonly engine: EngineClient;
  readonly secretsFolder: string;
  /** The roles' parameters as they are stored. */
  readonly roles: Readonly<Record<string, unknown>>;
}

/** Looks at what Fettle made for the products; changes nothing. */
export async function findProducts(parts: ProductParts): Promise<Products> {
  const { files, secretsFolder, roles } = parts;
  const found = await containers(parts);
  const dropIn = (await files.stat(DROP_IN)) !== null;
  const keys = await hasKeys(files, secretsFolder);
  const keepsKeys = found === null || found.length > 0;
  const stays = [
    ...(dropIn ? [DROP_IN_STAYS] : []),
    ...(await ollama(files)),
    ...(found ?? []).map(containerStay),
    ...(found === null ? [ENGINE_AWAY] : []),
    ...(keys && keepsKeys ? [KEYS_STAY] : []),
    ...(found === null || found.length === 0 ? [] : gatewayRest(roles.gateway)),
    ...(roles.gitlab === undefined ? [] : [SETTINGS_STAY]),
  ];
  return { stays, dropIn, containers: found ?? [], keepsKeys, keys };
}

export function isRunning({ State }: ListedContainer): boolean {
  return RUNNING.has(State);
}

/** null when the Engine is installed and does not answer. */
async function containers({ files, engine }: ProductParts): Promise<readonly ListedContainer[] | null> {
  try {
    return (await engine.containers.list(AbortSignal.timeout(ASK_MS))).filter(isOurs);
  } catch {
    const installed = (await files.stat(ENGINE_SOCKET)) ?? (await files.stat("/usr/bin/dockerd"));
    return installed === null ? [] : null;
  }
}

async function hasKeys(files: Files, secretsFolder: string): Promise<boolean> {
  for (const folder of [secretsFolder, SET_ASIDE])
    for (const name of Object.keys(KEYS) as KeyName[])
      if ((await files.stat(keyPath(folder, name))) !== null) return true;
  return false;
}

const DROP_IN_STAYS: Stay = {
  what: `${DROP_IN}: the address and settings that Ollama runs with`,
  byHand: `rm ${DROP_IN} && systemctl daemon-reload`,
  purged:
    "removed; from its next restart on Ollama listens on 127.0.0.1 alone, without these settings, and the gateway does not reach it",
};

const ENGINE_AWAY: Stay = {
  what: "what the Docker Engine holds: it does not answer, so whether a gateway container is there is not known",
  byHand: "docker ps --all --filter label=dev.fettle.role",
  purged: null,
};

const KEYS_STAY: Stay = {
  what: `${SET_ASIDE}: the gateway's signing keys, which a container that is made anew is given`,
  byHand: `rm -r ${SET_ASIDE}`,
  purged: "removed; the container that is there holds its own copy until it is removed",
};

const SETTINGS_STAY: Stay = {
  what: "GitLab's own settings: the gateway's address, the models, the mappings, the seats",
  byHand: "in GitLab: Admin, GitLab Duo",
  purged: null,
};

function containerStay(container: ListedContainer): Stay {
  const name = nameOf(container);
  const running = isRunning(container);
  const purged = running
    ? "left running, and not started again: once it stops, or Docker or the machine restarts, there is no gateway here"
    : "removed";
  const what = `the container ${name} (${container.State})${name === GATEWAY_CONTAINER ? ": the AI gateway" : ""}`;
  return { what, byHand: `docker rm ${running ? "--force " : ""}${name}`, purged };
}

function gatewayRest(params: unknown): Stay[] {
  const caBundle = gatewayParams.safeParse(params).data?.caBundle;
  const byHand = `docker image rm $(docker image ls --quiet ${PIN_REPOSITORY})`;
  return [
    { what: `the gateway's image, also tagged ${PIN_REPOSITORY}, and the Docker Engine`, byHand, purged: null },
    ...(caBundle === undefined
      ? []
      : [{ what: `${caBundle}: your CA bundle, mounted into the gateway`, byHand: null, purged: null }]),
  ];
}

async function ollama(files: Files): Promise<Stay[]> {
  const stays: Stay[] = [];
  if ((await files.stat(STORE)) !== null) {
    const byHand = `systemctl disable --now ${OLLAMA_UNIT}; rm -r ${STORE} ${OLLAMA}`;
    stays.push({ what: `${STORE} and the link ${OLLAMA}: the program that Ollama runs`, byHand, purged: null });
  }
  if ((await files.readText(UNIT_FILE).catch(() => null))?.startsWith("# Made by Fettle")) {
    const byHand = `rm ${UNIT_FILE}; userdel --remove ollama (this removes the models)`;
    stays.push({ what: `${UNIT_FILE} and the user ollama, whose home holds the models`, byHand, purged: null });
  }
  return stays;
}
