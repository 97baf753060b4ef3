/** A container as the API shows it: whole, and as a line of the list. */
import { roughly } from "../clock.ts";
import { hashOf } from "../ids.ts";
import type { LocalImage } from "../images/store.ts";
import type { Json } from "../json.ts";
import { type Mount, mountsOf } from "./mounts.ts";
import { ownAddress } from "./ports.ts";
import { type ContainerRecord, isUp } from "./record.ts";

const NETWORK_ID = hashOf("bridge");

export function inspected(container: ContainerRecord, root: string, execIds: readonly string[]): Json {
  const { id, config, host, state } = container;
  const [path = "", ...args] = config.Cmd;
  return {
    Id: id,
    Created: container.created,
    Path: path,
    Args: args,
    State: {
      Status: state.status,
      Running: isUp(container),
      Paused: state.status === "paused",
      Restarting: state.status === "restarting",
      OOMKilled: state.oomKilled,
      Dead: false,
      Pid: state.pid,
      ExitCode: state.exitCode,
      Error: state.error,
      StartedAt: state.startedAt,
      FinishedAt: state.finishedAt,
    },
    Image: container.imageId,
    ResolvConfPath: `${root}/containers/${id}/resolv.conf`,
    HostnamePath: `${root}/containers/${id}/hostname`,
    HostsPath: `${root}/containers/${id}/hosts`,
    LogPath: `${root}/containers/${id}/${id}-json.log`,
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: "overlay2",
    Platform: "linux",
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: execIds.length === 0 ? null : execIds,
    HostConfig: host,
    GraphDriver: { Data: {}, Name: "overlay2" },
    Mounts: mountsOf(host).map(shownMount),
    Config: config,
    NetworkSettings: networkSettings(container),
  };
}

function shownMount({ source, target, readOnly }: Mount): Json {
  const Mode = readOnly ? "ro" : "";
  return { Type: "bind", Source: source, Destination: target, Mode, RW: !readOnly, Propagation: "rprivate" };
}

function networkSettings(container: ContainerRecord): Json {
  const network = networkOf(container);
  return {
    Bridge: "",
    SandboxID: isUp(container) ? hashOf(container.id, "sandbox") : "",
    SandboxKey: "",
    Ports: container.ports,
    EndpointID: network.EndpointID,
    Gateway: network.Gateway,
    IPAddress: network.IPAddress,
    IPPrefixLen: network.IPPrefixLen,
    MacAddress: network.MacAddress,
    Networks: { [container.host.NetworkMode]: network },
  };
}

function networkOf(container: ContainerRecord): Json {
  const up = isUp(container) && container.host.NetworkMode !== "host";
  return {
    IPAMConfig: null,
    Links: null,
    Aliases: null,
    MacAddress: up ? "02:42:7f:4d:00:02" : "",
    NetworkID: NETWORK_ID,
    EndpointID: up ? hashOf(container.id, "endpoint") : "",
    Gateway: up ? "127.77.0.1" : "",
    IPAddress: up ? ownAddress(container.id) : "",
    IPPrefixLen: up ? 16 : 0,
    DriverOpts: null,
  };
}

export function summarised(container: ContainerRecord, image: LocalImage | undefined, nowMs: number): Json {
  const { id, name, config, host, imageId } = container;
  return {
    Id: id,
    Names: [`/${name}`],
    // A container whose image has lost its name shows the id instead.
    Image: image === undefined || image.tags.length + image.digests.length === 0 ? imageId : config.Image,
    ImageID: imageId,
    Command: config.Cmd.join(" "),
    Created: Math.floor(Date.parse(container.created) / 1000),
    Ports: shownPorts(container),
    Labels: config.Labels,
    State: container.state.status,
    Status: statusLine(container, nowMs),
    HostConfig: { NetworkMode: host.NetworkMode },
    NetworkSettings: { Networks: { [host.NetworkMode]: networkOf(container) } },
    Mounts: mountsOf(host).map(shownMount),
  };
}

function shownPorts({ ports }: ContainerRecord): Json[] {
  return Object.entries(ports).flatMap(([port, bindings]) => {
    const [PrivatePort, Type = "tcp"] = port.split("/");
    const own = { PrivatePort: Number(PrivatePort), Type };
    const published = (bindings ?? []).map(({ HostIp, HostPort }) => ({
      IP: HostIp,
      ...own,
      PublicPort: Number(HostPort),
    }));
    return published.length === 0 ? [own] : published;
  });
}

function statusLine({ state }: ContainerRecord, nowMs: number): string {
  if (state.status === "created") return "Created";
  const up = `Up ${roughly(nowMs - Date.parse(state.startedAt))}`;
  if (state.status === "running") return up;
  if (state.status === "paused") return `${up} (Paused)`;
  const ago = `${roughly(nowMs - Date.parse(state.finishedAt))} ago`;
  return state.status === "restarting" ? `Restarting (${state.exitCode}) ${ago}` : `Exited (${state.exitCode}) ${ago}`;
}
