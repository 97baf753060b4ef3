/** Published ports: checked as the Engine binds them, then handed to the container's program to bind. */
import { createServer } from "node:net";
import { internal } from "../errors.ts";
import { newId } from "../ids.ts";
import type { ImageDefinition } from "../images/definition.ts";
import type { PortBinding } from "./config.ts";
import type { ContainerRecord } from "./record.ts";

/** Takes the ports of a container for its run; `others` hold theirs. Throws the start's error. */
export async function takePorts(
  container: ContainerRecord,
  others: readonly ContainerRecord[],
): Promise<Record<string, PortBinding[] | null>> {
  const { PortBindings, NetworkMode } = container.host;
  if (NetworkMode === "host" || NetworkMode === "none") return {};
  const taken: Record<string, PortBinding[] | null> = {};
  for (const port of Object.keys({ ...container.config.ExposedPorts, ...PortBindings })) {
    const [binding, ...more] = PortBindings[port] ?? [];
    if (more.length > 0) throw failed(container, `the stand-in publishes ${port} at one address, not at several`);
    taken[port] = binding === undefined ? null : [await take(container, binding, others)];
  }
  return taken;
}

async function take(
  container: ContainerRecord,
  { HostIp, HostPort }: PortBinding,
  others: readonly ContainerRecord[],
): Promise<PortBinding> {
  const address = HostIp === "" ? "0.0.0.0" : HostIp;
  const port = Number(HostPort === "" ? 0 : HostPort);
  if (port !== 0 && others.some((other) => holds(other, address, port))) {
    throw failed(container, `Bind for ${address}:${port} failed: port is already allocated`);
  }
  try {
    return { HostIp: address, HostPort: String(await probe(address, port)) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "EADDRINUSE" ? "address already in use" : reasons[code ?? ""];
    throw failed(container, `failed to bind host port for ${address}:${port}: ${reason ?? code}`);
  }
}

const reasons: Record<string, string> = {
  EADDRNOTAVAIL: "cannot assign requested address",
  EACCES: "permission denied",
};

function holds(other: ContainerRecord, address: string, port: number): boolean {
  return Object.values(other.ports).some((bindings) =>
    (bindings ?? []).some(
      ({ HostIp, HostPort }) =>
        Number(HostPort) === port && (HostIp === address || HostIp === "0.0.0.0" || address === "0.0.0.0"),
    ),
  );
}

/** Binds and lets go: what a program would meet a moment later. */
async function probe(host: string, port: number): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ host, port, exclusive: true }, resolve);
  await promise;
  const bound = server.address();
  await new Promise((done) => server.close(done));
  return typeof bound === "object" && bound !== null ? bound.port : port;
}

function failed({ name }: ContainerRecord, reason: string): Error {
  return internal(
    `failed to set up container networking: driver failed programming external connectivity on endpoint ${name} (${newId()}): ${reason}`,
  );
}

/** A loopback address of the container's own, for what it listens on without publishing it. */
export function ownAddress(id: string): string {
  const [a = 0, b = 0] = Buffer.from(id.slice(0, 4), "hex");
  return `127.77.${a}.${1 + (b % 254)}`;
}

/** What a program must be told so that it listens where the container's ports are to be found. */
export function portEnvironment(container: ContainerRecord, image: ImageDefinition): Record<string, string> {
  const env: Record<string, string> = {};
  if (container.host.NetworkMode === "host") return env;
  for (const [port, { hostEnv, portEnv }] of Object.entries(image.exposedPorts ?? {})) {
    const [published] = container.ports[port] ?? [];
    if (hostEnv !== undefined) env[hostEnv] = published?.HostIp ?? ownAddress(container.id);
    if (portEnv !== undefined && published !== undefined) env[portEnv] = published.HostPort;
  }
  return env;
}
