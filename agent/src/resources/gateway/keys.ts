import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, Verdict } from "../resource.ts";
import type { Gateway } from "./gateway.ts";
import { type KeyFile, keyPath, newKey, readKey } from "./key-files.ts";
import { type KeyName, keysFor } from "./key-names.ts";
import { forgetSetAside, setAsideKey } from "./set-aside-keys.ts";

/** The signing keys that this version of the gateway wants: made here, readable by root alone, never sent anywhere. */
export function keys(gateway: Gateway): Resource<readonly KeyFile[] | null> {
  const wanted = keysFor(gateway.params.image);
  return define<readonly KeyFile[] | null>({
    id: "gateway.keys",
    declared: wanted,
    settleMs: 0,
    observe: async ({ host }) => wanted && (await readKeys(host.files, gateway, wanted)),
    diff,
    apply: (ctx, changes) => apply(ctx, gateway, changes),
  });
}

export function readKeys(
  files: ResourceContext["host"]["files"],
  { secretsFolder, remember }: Gateway,
  names: readonly KeyName[],
): Promise<readonly KeyFile[]> {
  return Promise.all(names.map((name) => readKey(files, secretsFolder, name, remember)));
}

function diff(found: readonly KeyFile[] | null): Verdict {
  if (found === null) return { kind: "waiting", code: "gateway.keys.gitlab-version", args: {} };
  const changes: Change[] = found
    .filter(({ problem }) => problem !== null)
    .map(({ name, pem, problem }) => ({ what: name, from: problem, to: pem === null ? "a new key" : "mode 0600" }));
  if (changes.length === 0) return { kind: "in-sync" };
  return { kind: "drift", changes, disturbs: "none", breaking: false, creates: "signing keys" };
}

/** A key that serves is kept, whatever its mode was; only one that cannot serve is made anew. */
async function apply({ host }: ResourceContext, gateway: Gateway, changes: readonly Change[]): Promise<void> {
  const { secretsFolder, remember } = gateway;
  const names = keysFor(gateway.params.image) ?? [];
  await host.files.makeFolder(secretsFolder, { mode: 0o700 });
  for (const { name, pem, problem } of await readKeys(host.files, gateway, names)) {
    if (problem === null || !changes.some(({ what }) => what === name)) continue;
    const key = pem ?? (await setAsideKey(host.files, secretsFolder, name, remember)) ?? (await newKey());
    remember(key);
    await host.files.writeAtomic(keyPath(secretsFolder, name), key, { mode: 0o600 });
    await forgetSetAside(host.files, name);
  }
}
