import { randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Secret } from "@fettle/shared/lib/secret.ts";
import { newApiToken } from "../api/api-token.ts";
import { CONFIG_FILE, type Paths } from "../config.ts";
import { createAuthority } from "../pki/authority.ts";
import { openStore } from "../store/store.ts";

export interface Initialised {
  readonly coordinatorId: string;
  /** The first admin's token for the API; shown once. */
  readonly token: Secret;
  readonly configFile: string;
}

/**
 * Makes a coordinator: its database with the first admin token, its CA, its configuration file. Throws
 * `coordinator.exists`, having changed nothing, when there is one.
 */
export async function init(paths: Paths, clock: Clock): Promise<Initialised> {
  const [database, pki] = [join(paths.data, "fettle.db"), join(paths.data, "pki")];
  for (const path of [database, pki]) if (existsSync(path)) throw new FettleError("coordinator.exists", { path });
  await mkdir(paths.data, { recursive: true, mode: 0o700 });
  await chmod(paths.data, 0o700);
  const beside = join(paths.data, `.init-${randomUUID()}`);
  await mkdir(beside, { mode: 0o700 });
  try {
    const coordinatorId = randomBytes(8).toString("hex");
    await createAuthority(join(beside, "pki"), coordinatorId, clock);
    const token = await createDatabase(join(beside, "fettle.db"), coordinatorId, clock);
    await chmod(join(beside, "fettle.db"), 0o600);
    await rename(join(beside, "pki"), pki);
    await rename(join(beside, "fettle.db"), database);
    return { coordinatorId, token, configFile: await writeConfig(paths) };
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

async function createDatabase(path: string, coordinatorId: string, clock: Clock): Promise<Secret> {
  const store = await openStore(path);
  try {
    const createdAt = clock.now();
    const { id, token, secretHash } = newApiToken();
    await store.write(async ({ meta, apiTokens }) => {
      await meta.create({ coordinatorId, epoch: 1, incarnation: randomUUID(), createdAt });
      await apiTokens.add({
        id,
        stack: "*",
        name: "first-admin",
        role: "admin",
        secretHash,
        createdAt,
        revokedAt: null,
      });
    });
    return token;
  } finally {
    await store.close();
  }
}

/** A configuration that is there already stays as it is. */
async function writeConfig({ config }: Paths): Promise<string> {
  const path = join(config, CONFIG_FILE);
  await mkdir(config, { recursive: true, mode: 0o755 });
  if (!existsSync(path)) await writeFile(path, EXAMPLE, { mode: 0o644, flag: "wx" });
  return path;
}

const EXAMPLE = `# The Fettle coordinator. Everything here may be left out; what follows are the defaults.
# listen:
#   api: 0.0.0.0:7443      # operators: CLI, dashboard, enrolment
#   agents: 0.0.0.0:7444   # agents only
# names: []                # more names or addresses by which this machine is reached, for its certificate
# logLevel: info
`;
