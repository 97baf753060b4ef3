import type { Secret } from "@fettle/shared/lib/secret.ts";
import type { Configured, ConfigureOptions } from "./configure.ts";
import type { Initialised } from "./init.ts";

// Each part is loaded by the command that needs it: what a process has loaded stays in its memory.

/** `fettle coordinator init`, with the places that the environment names. */
export async function initHere(environment: NodeJS.ProcessEnv): Promise<Initialised> {
  const [{ init }, { pathsOf }, { readEnv }, { systemClock }, { giveToOwner }] = await Promise.all([
    import("./init.ts"),
    import("../config.ts"),
    import("../env.ts"),
    import("../clock.ts"),
    import("./ownership.ts"),
  ]);
  const paths = pathsOf(readEnv(environment));
  const made = await init(paths, systemClock);
  await giveToOwner(paths.data);
  return made;
}

/** `fettle coordinator configure`, likewise. */
export async function configureHere(environment: NodeJS.ProcessEnv, options: ConfigureOptions): Promise<Configured> {
  const [{ configure }, { ownAddresses }, { pathsOf }, { readEnv }] = await Promise.all([
    import("./configure.ts"),
    import("./own-addresses.ts"),
    import("../config.ts"),
    import("../env.ts"),
  ]);
  return await configure(pathsOf(readEnv(environment)), options, ownAddresses());
}

/** `fettle coordinator start`, likewise: in the foreground, until the signal fires. */
export async function startHere(environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  await import("@fettle/shared/lib/small-heap.ts");
  const [{ readConfig }, { readEnv }, { refuseForeignRoot }, { serve }] = await Promise.all([
    import("../config.ts"),
    import("../env.ts"),
    import("./ownership.ts"),
    import("../serve.ts"),
  ]);
  const config = readConfig(readEnv(environment));
  await refuseForeignRoot(config.paths.data);
  await serve(config, signal);
}

/** `fettle coordinator root export`, likewise. */
export async function exportRootHere(
  environment: NodeJS.ProcessEnv,
  to: string,
  passphrase: Secret | null,
): Promise<void> {
  const [{ exportRootKey }, { pathsOf }, { readEnv }] = await rootKeyParts();
  await exportRootKey(pathsOf(readEnv(environment)), to, passphrase);
}

/** `fettle coordinator root import`, likewise. */
export async function importRootHere(
  environment: NodeJS.ProcessEnv,
  from: string,
  passphrase: Secret | null,
): Promise<void> {
  const [{ importRootKey }, { pathsOf }, { readEnv }, { giveToOwner }] = await rootKeyParts();
  const paths = pathsOf(readEnv(environment));
  await importRootKey(paths, from, passphrase);
  await giveToOwner(paths.data);
}

async function rootKeyParts() {
  return await Promise.all([
    import("./root-key.ts"),
    import("../config.ts"),
    import("../env.ts"),
    import("./ownership.ts"),
  ]);
}
