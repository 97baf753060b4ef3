import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { GATEWAY_REPOSITORY } from "@fettle/shared/roles/gateway.ts";
import { imageDigest } from "../stand-ins/registry/image-registry.ts";
import { GITLAB_PORT, gitlabUrl, type Layout, NODES, type NodeName, registryUrl, rootOf } from "./layout.ts";
import type { Programs } from "./programs.ts";
import { writeUserPrograms } from "./user-programs.ts";

/** The administrator's own token, for what is done to GitLab beside Fettle. */
export const ADMIN_TOKEN = "glpat-sandbox-administrator";
export const GITLAB_VERSION = "18.8.2-ee";
/** The gateway images that can be pulled: those of the registry that the sandbox serves. */
const IMAGE_VERSIONS = ["17.9.0", "17.9.2", "18.8.0", "18.8.1", "18.8.10", "19.5.0", "19.5.1"];

export interface MachineOptions {
  readonly gitlabVersion: string;
  /** Seconds between two reads of GitLab's settings. */
  readonly gitlabPollSeconds: number;
  /** sha256 of the release archive that is served. */
  readonly ollamaSha256: string;
  readonly ollamaVersion: string;
  readonly takesMirror: boolean;
}

/** Files of the three machines as they are before Fettle: GitLab installed, a Docker Engine, and an empty VM. */
export function writeMachines(layout: Layout, programs: Programs, options: MachineOptions): void {
  for (const node of NODES) {
    const root = rootOf(layout, node);
    for (const folder of ["etc/systemd/system", "run", "var/lib", "usr/bin", "usr/sbin", "tmp"])
      mkdirSync(join(root, folder), { recursive: true });
    symlinkSync("../run", join(root, "var/run"));
    writeUserPrograms(root);
    write(root, "etc/machine-id", `${createHash("md5").update(`${layout.folder}/${node}`).digest("hex")}\n`);
    write(root, "etc/fettle/agent.yaml", agentYaml(layout, options), 0o600);
    write(join(layout.folder, node), "machine.json", JSON.stringify(machineEnvironment(layout)));
  }
  writeGitlab(layout, programs, options);
  writeGateway(layout, programs);
}

function machineEnvironment(layout: Layout): Readonly<Record<string, string>> {
  return { STAND_IN_REGISTRY: registryUrl(layout), STAND_IN_NODE: process.execPath };
}

function agentYaml(layout: Layout, options: MachineOptions): string {
  return [
    `coordinators: ["${layout.outside}:7444"]`,
    `gitlabPollSeconds: ${options.gitlabPollSeconds}`,
    "policy:",
    `  mirror: ${options.takesMirror}`,
    "  ollama:",
    `    source: ${registryUrl(layout)}/releases/download`,
    `    archives: { "${options.ollamaVersion}": { ${process.arch === "arm64" ? "arm64" : "x64"}: ${options.ollamaSha256} } }`,
    "",
  ].join("\n");
}

function writeGitlab(layout: Layout, programs: Programs, { gitlabVersion }: MachineOptions): void {
  const root = rootOf(layout, "gitlab-1");
  const control = controlOf(layout, "gitlab-1");
  const environment = {
    STAND_IN_HOME: join(root, "var/opt/gitlab"),
    STAND_IN_CONTROL: control,
    GITLAB_ADDRESS: layout.addresses["gitlab-1"],
    GITLAB_PORT: String(GITLAB_PORT),
    GITLAB_NAMES: layout.addresses["gitlab-1"],
    GITLAB_URL: gitlabUrl(layout),
    GITLAB_VERSION: gitlabVersion,
    GITLAB_CA_FILE: join(root, "etc/gitlab/trusted-certs/ca.crt"),
    GITLAB_OUTBOUND_FILTER: "off",
    GITLAB_ADMIN_TOKEN: ADMIN_TOKEN,
  };
  mkdirSync(join(root, "etc/gitlab/trusted-certs"), { recursive: true });
  unit(root, "gitlab-runsvdir.service", [process.execPath, programs.gitlab], environment);
  const rails = `#!/bin/sh\nSTAND_IN_CONTROL='${control}' STAND_IN_ROOT='${root}' STAND_IN_RAILS_MS=300 exec '${programs.rails}' "$@"\n`;
  write(root, "usr/bin/gitlab-rails", rails, 0o755);
}

function writeGateway(layout: Layout, programs: Programs): void {
  const root = rootOf(layout, "gateway-1");
  const images = join(layout.folder, "gateway-1/images.json");
  writeFileSync(images, JSON.stringify(IMAGE_VERSIONS.map((version) => image(layout, programs, version))));
  const argv = [
    process.execPath,
    programs.engine,
    "--socket",
    join(root, "run/docker.sock"),
    "--root",
    join(root, "var/lib/docker"),
  ];
  argv.push(
    "--host-root",
    root,
    "--images",
    images,
    "--control",
    controlOf(layout, "gateway-1"),
    "--curl",
    programs.curl,
  );
  unit(root, "docker.service", argv, {});
  write(root, "usr/bin/dockerd", "#!/bin/sh\nexit 1\n", 0o755);
}

/** The gateway's image: its program binds the published address itself, as docker-proxy would. */
function image(layout: Layout, programs: Programs, version: string) {
  const tag = `self-hosted-v${version}-ee`;
  const repository = GATEWAY_REPOSITORY.slice(GATEWAY_REPOSITORY.indexOf("/") + 1);
  return {
    reference: `${GATEWAY_REPOSITORY}:${tag}`,
    digest: imageDigest(repository, tag),
    layers: [600_000, 1_200_000, 300_000],
    env: { AIGW_CUSTOM_MODELS__ENABLED: "true", ENABLE_DUO_WORKFLOW_SERVICE: "true" },
    cmd: [process.execPath, programs.gateway],
    exposedPorts: {
      "5052/tcp": { hostEnv: "AIGW_FASTAPI__API_HOST", portEnv: "AIGW_FASTAPI__API_PORT" },
      "50052/tcp": { hostEnv: "STAND_IN_DWS_HOST", portEnv: "STAND_IN_DWS_PORT" },
    },
    // Not published: the process still needs an address of its own, since it shares the machine with the others.
    processEnv: {
      STAND_IN_DWS_HOST: layout.addresses["gateway-1"],
      STAND_IN_CONTROL: join(layout.folder, "gateway-1/gateway.sock"),
    },
    user: "aigateway",
  };
}

export function controlOf(layout: Layout, node: NodeName): string {
  return join(layout.folder, node, "control.sock");
}

function unit(
  root: string,
  name: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): void {
  const lines = Object.entries(environment).map(([key, value]) => `Environment="${key}=${value}"`);
  const text = [
    "[Service]",
    `ExecStart=${argv.join(" ")}`,
    "Restart=always",
    "RestartSec=1",
    ...lines,
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ];
  write(root, `etc/systemd/system/${name}`, text.join("\n"));
  const wants = join(root, "etc/systemd/system/multi-user.target.wants");
  mkdirSync(wants, { recursive: true });
  symlinkSync(`/etc/systemd/system/${name}`, join(wants, name));
}

function write(root: string, path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text, { mode });
  chmodSync(join(root, path), mode);
}
