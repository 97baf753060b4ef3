import { join } from "node:path";
import { bundle, ROOT } from "./bundle.ts";

/** The agent, and the program that unpacks archives apart from it. */
export const agentEntries = {
  "fettle-agent": "agent/src/main.ts",
  unpack: "agent/src/system/programs/unpack.ts",
};

/** `npm run build`: the programs as they are shipped, under dist/. */
export async function buildAgent(folder = join(ROOT, "dist/agent")) {
  return bundle({
    entries: agentEntries,
    folder,
    from: "agent",
    native: ["better-sqlite3", "node-pty"],
  });
}

export async function buildCoordinator(folder = join(ROOT, "dist/coordinator")) {
  return bundle({
    entries: { fettle: "coordinator/src/cli/main.ts" },
    folder,
    from: "coordinator",
    native: ["better-sqlite3"],
    names: false,
  });
}

if (import.meta.main) {
  await buildAgent();
  await buildCoordinator();
  process.stdout.write("built dist/agent and dist/coordinator\n");
}
