import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gatewayReference, publishGatewayImage } from "../gateway-image.ts";
import type { Host } from "../host.ts";
import { imagesFolder } from "../image-layers.ts";
import type { Lab } from "../lab.ts";
import { setPace } from "../pace.ts";
import { cut, heal } from "../partition.ts";
import { until } from "../until.ts";
import { answerPort, withAnswer } from "./answer.ts";
import type { Step } from "./step.ts";

// A reference of the checks' own, so that they never stand in the way of what Fettle pulls.
export const probeReference = gatewayReference.replace("self-hosted-v18.8.1-ee", "lab-probe");
/** Another one than the gateway's, which may be there already. */
export const probePort = 5062;
/** Bytes that no other image has, so that a pull has a middle. */
const ballast = 40_000_000;
const bundle = join(import.meta.dirname, "probe-gateway.mjs");

export const engine: Step[] = [
  {
    name: "a Docker Engine runs in the gateway's host, from its boot on, and in no other",
    async run({ gateway, gitlab, ollama }) {
      assert.equal(await gateway.run(["systemctl", "is-enabled", "docker.service"]), "enabled");
      assert.match(await gateway.run(["docker", "info", "--format", "{{.Driver}} {{.ServerVersion}}"]), /^\S+ \d+/);
      assert.notEqual((await gitlab.exec(["docker", "version"])).code, 0);
      assert.notEqual((await ollama.exec(["docker", "version"])).code, 0);
    },
  },
  {
    name: "an image is pulled by its real name over verified TLS, and its tags are listed",
    async run(lab) {
      const digest = await publishGatewayImage(lab.config, { bundle, reference: probeReference, ballast });
      await forgetProbe(lab.gateway);
      await lab.gateway.run(["docker", "pull", "--quiet", probeReference], { timeoutMs: 120_000 });
      const template = "{{index .RepoDigests 0}}";
      const pulled = await lab.gateway.run(["docker", "image", "inspect", "--format", template, probeReference]);
      assert.equal(pulled.split("@")[1], digest);
      assert.ok((await tags(lab)).includes("lab-probe"));
    },
  },
  {
    name: "a slow pull is cut off in its middle and finishes after the healing",
    async run(lab) {
      const { config, gateway, site } = lab;
      await forgetProbe(gateway);
      setPace(imagesFolder(config), 20_000_000);
      try {
        const pull = gateway.exec(["docker", "pull", probeReference], { timeoutMs: 120_000 });
        await sleep(1000);
        await cut(gateway, site);
        await sleep(2000);
        assert.notEqual((await gateway.exec(["docker", "image", "inspect", probeReference])).code, 0);
        await heal(gateway, site);
        assert.equal((await pull).code, 0);
      } finally {
        await heal(gateway, site);
        setPace(imagesFolder(config), undefined);
      }
    },
  },
  {
    name: "a container with its port on the host's own address answers to another host, as a plain user",
    async run({ gateway, gitlab }) {
      await removeProbe(gateway);
      await runProbe(gateway);
      const url = `http://${gateway.address}:${probePort}/monitoring/healthz`;
      const answer = await until("the container to answer", 15_000, async () => {
        const result = await gitlab.exec(["curl", "-sS", "--max-time", "2", url]);
        return result.code === 0 ? result.stdout.trim() : undefined;
      });
      assert.equal(answer, "gateway 1000 green");
    },
  },
  {
    name: "the container itself reaches GitLab's host by its name",
    async run({ gateway, gitlab }) {
      await withAnswer(gitlab, async () => {
        const url = `http://gitlab.example.com:${answerPort}/`;
        const argv = ["docker", "exec", "lab-probe", "curl", "-sS", "--max-time", "2", url];
        assert.equal(await gateway.run(argv), gitlab.name);
      });
    },
  },
];

export async function runProbe(gateway: Host): Promise<void> {
  const ports = ["--publish", `${gateway.address}:${probePort}:5052`];
  const options = ["--detach", "--name", "lab-probe", "--restart", "unless-stopped", "--env", "COLOUR=green"];
  await gateway.run(["docker", "run", ...options, ...ports, probeReference]);
}

export async function removeProbe(gateway: Host): Promise<void> {
  await gateway.exec(["docker", "rm", "--force", "lab-probe"]);
}

async function forgetProbe(gateway: Host): Promise<void> {
  await removeProbe(gateway);
  await gateway.exec(["docker", "image", "rm", probeReference]);
}

async function tags(lab: Lab): Promise<string[]> {
  const [registry, ...path] = probeReference.slice(0, -":lab-probe".length).split("/");
  const url = `https://${registry}/v2/${path.join("/")}/tags/list`;
  const token = JSON.parse(await lab.gateway.run(["curl", "-sS", "--fail", "https://gitlab.com/jwt/auth"])).token;
  const argv = ["curl", "-sS", "--fail", "--header", `Authorization: Bearer ${token}`, url];
  return JSON.parse(await lab.gateway.run(argv)).tags;
}
