import assert from "node:assert/strict";
import { join } from "node:path";
import { gatewayReference, publishGatewayImage } from "../gateway-image.ts";
import type { Host } from "../host.ts";
import type { Lab } from "../lab.ts";
import { until } from "../until.ts";
import type { Step } from "./step.ts";

// A reference of the checks' own, so that they never stand in the way of what Fettle pulls.
export const probeReference = gatewayReference.replace("self-hosted-v18.8.1-ee", "lab-probe");
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
      const digest = await publishGatewayImage(lab.config, { bundle, reference: probeReference });
      await removeProbe(lab.gateway);
      await lab.gateway.exec(["docker", "image", "rm", probeReference]);
      await lab.gateway.run(["docker", "pull", "--quiet", probeReference], { timeoutMs: 120_000 });
      const template = "{{index .RepoDigests 0}}";
      const pulled = await lab.gateway.run(["docker", "image", "inspect", "--format", template, probeReference]);
      assert.equal(pulled.split("@")[1], digest);
      assert.ok((await tags(lab)).includes("lab-probe"));
    },
  },
  {
    name: "a container with its port on the host's own address answers to another host, as a plain user",
    async run({ gateway, gitlab }) {
      await removeProbe(gateway);
      await runProbe(gateway);
      const url = `http://${gateway.address}:5052/monitoring/healthz`;
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
      const url = "http://gitlab.example.com:5099/";
      await gitlab.run(["systemd-run", "--unit", "lab-listener", "--collect", ...listener]);
      try {
        const answer = await until("GitLab's host to answer", 10_000, async () => {
          const result = await gateway.exec(["docker", "exec", "lab-probe", "curl", "-sS", "--max-time", "2", url]);
          return result.code === 0 ? result.stdout : undefined;
        });
        assert.match(answer, /gitlab-1/);
      } finally {
        await gitlab.run(["systemctl", "stop", "lab-listener"]);
      }
    },
  },
];

export async function runProbe(gateway: Host): Promise<void> {
  const ports = ["--publish", `${gateway.address}:5052:5052`];
  const options = ["--detach", "--name", "lab-probe", "--restart", "unless-stopped", "--env", "COLOUR=green"];
  await gateway.run(["docker", "run", ...options, ...ports, probeReference]);
}

export async function removeProbe(gateway: Host): Promise<void> {
  await gateway.exec(["docker", "rm", "--force", "lab-probe"]);
}

async function tags(lab: Lab): Promise<string[]> {
  const [registry, ...path] = probeReference.slice(0, -":lab-probe".length).split("/");
  const url = `https://${registry}/v2/${path.join("/")}/tags/list`;
  const token = JSON.parse(await lab.gateway.run(["curl", "-sS", "--fail", "https://gitlab.com/jwt/auth"])).token;
  const argv = ["curl", "-sS", "--fail", "--header", `Authorization: Bearer ${token}`, url];
  return JSON.parse(await lab.gateway.run(argv)).tags;
}

/** A small web server: systemd takes the connections, a shell reads the request up to its empty line and answers. */
const listener = [
  ...["systemd-socket-activate", "--accept", "--inetd", "--listen", "5099"],
  ...["sh", "-c", "sed -n '/^.\\?$/q'; printf 'HTTP/1.0 200 OK\\r\\n\\r\\n'; cat /etc/hostname"],
];
