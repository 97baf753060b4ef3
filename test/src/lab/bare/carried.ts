import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { installModel } from "../../stand-ins/registry/install-model.ts";
import { gatewayReference } from "../gateway-image.ts";
import { copyIn, copyOut } from "../host-files.ts";
import { releasesFolder } from "../site.ts";
import type { BareLab } from "./bare-lab.ts";

export const model = "mistral:instruct";
/** Where it lies on the coordinator's machine. */
export const there = "/root/carried";

/** What somebody carries into a network without internet, fetched where there is one. */
export type Carried = { ollama: string; image: string; imageId: string };

/** Fetches it while the world is still reachable, and leaves no trace of that on the gateway's machine. */
export async function fetchCarried({ config, gateway, ollamaRelease }: BareLab): Promise<Carried> {
  const folder = join(config.folder, "carried");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await gateway.run(["docker", "pull", "--quiet", gatewayReference], { timeoutMs: 120_000 });
  const imageId = await gateway.run(["docker", "image", "inspect", "--format", "{{.Id}}", gatewayReference]);
  await gateway.run(["docker", "save", "--output", "/root/gateway.tar", gatewayReference], { timeoutMs: 60_000 });
  await copyOut(gateway, "/root/gateway.tar", folder);
  await gateway.run(["sh", "-c", 'rm /root/gateway.tar; docker image rm "$0" >/dev/null', gatewayReference]);
  installModel(join(folder, "models"), {
    name: model,
    bytes: 3_000_000,
    family: "llama",
    parameters: "7.2B",
    quantization: "Q4_0",
  });
  const arch = process.arch === "arm64" ? "arm64" : "amd64";
  const ollama = join(releasesFolder(config), ollamaRelease.version, `ollama-linux-${arch}.tar.zst`);
  return { ollama, image: join(folder, "gateway.tar"), imageId: imageId.replace("sha256:", "") };
}

/** Carries it to the coordinator's machine. */
export async function carry({ config, coordinator }: BareLab, { ollama, image }: Carried): Promise<void> {
  for (const path of [ollama, image, join(config.folder, "carried/models")]) await copyIn(coordinator, path, there);
}
