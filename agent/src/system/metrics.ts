import type { Space } from "./files.ts";

export interface Disk extends Space {
  readonly mount: string;
}

export interface MachineFacts {
  readonly hostname: string;
  readonly os: string;
  readonly kernel: string;
  readonly arch: "x64" | "arm64";
  readonly machineId: string;
  readonly bootId: string;
  /** The cloud's instance id, empty on own metal. */
  readonly instanceId: string;
  /** The firmware's id of this machine; empty where there is none, or where it may not be read. */
  readonly productUuid: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

export interface Load {
  readonly load1: number;
  readonly memoryTotalBytes: number;
  readonly memoryAvailableBytes: number;
}

export interface Metrics {
  facts(): Promise<MachineFacts>;
  load(): Promise<Load>;
  /** Real file systems, no tmpfs and no overlays of containers. */
  disks(): Promise<readonly Disk[]>;
}
