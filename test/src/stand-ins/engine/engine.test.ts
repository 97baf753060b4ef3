import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import t from "tap";
import { runContract } from "./contract.ts";
import { CONTRACT_IMAGE, contractDefinition } from "./contract-image.ts";
import { startEngine } from "./engine.ts";

t.test("the contract of every Engine", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "engine-"));
  const socket = join(dir, "docker.sock");
  const engine = await startEngine({ socket, root: join(dir, "root"), images: [contractDefinition] });
  t.teardown(() => engine.close());
  await runContract(t, {
    docker: new Docker({ socketPath: socket }),
    socket,
    image: CONTRACT_IMAGE,
    address: "127.0.31.1",
  });
});
