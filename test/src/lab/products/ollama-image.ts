import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { OLLAMA_DEFAULT } from "@fettle/shared/roles/ollama.ts";
import { install } from "../../stand-ins/ollama/pack.ts";
import type { LabConfig } from "../config.ts";
import { imagesFolder, treeLayer, userlandLayer } from "../image-layers.ts";
import { putImage } from "../image-manifest.ts";
import { putTag } from "../image-store.ts";

/** Publishes Docker Hub's ollama/ollama with the stand-in inside; of the world it trusts the lab's authority. */
export async function publishOllamaImage(config: LabConfig): Promise<void> {
  const tree = join(config.folder, "dist/ollama-image");
  rmSync(tree, { recursive: true, force: true });
  const settings = { STAND_IN_REGISTRY: "https://registry.ollama.ai" };
  await install(join(tree, "usr"), { version: OLLAMA_DEFAULT, node: "/usr/local/bin/node", settings });
  mkdirSync(join(tree, "etc/ssl/certs"), { recursive: true });
  copyFileSync(join(config.folder, "pki/ca.pem"), join(tree, "etc/ssl/certs/lab.pem"));
  const layers = [await userlandLayer(config), await treeLayer(config, tree, ["usr", "etc"])];
  const digest = putImage(imagesFolder(config), layers, {
    Env: ["PATH=/usr/local/bin:/usr/bin", "OLLAMA_HOST=0.0.0.0:11434", "SSL_CERT_FILE=/etc/ssl/certs/lab.pem"],
    Entrypoint: ["/usr/bin/ollama"],
    Cmd: ["serve"],
    ExposedPorts: { "11434/tcp": {} },
  });
  putTag(imagesFolder(config), "ollama/ollama", OLLAMA_DEFAULT, digest);
}
