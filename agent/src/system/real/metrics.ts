import { statfs } from "node:fs/promises";
import { availableParallelism, hostname, release } from "node:os";
import type { Disk, Load, MachineFacts, Metrics } from "../metrics.ts";
import { cloudInstanceId } from "./instance-id.ts";
import { parseMounts } from "./mounts.ts";
import { readProc } from "./proc-fs.ts";
import { systemError } from "./system-error.ts";

export const realMetrics: Metrics = { facts, load, disks };

async function facts(): Promise<MachineFacts> {
  return {
    hostname: hostname(),
    os: osName(readProc("/etc/os-release") ?? readProc("/usr/lib/os-release") ?? ""),
    kernel: release(),
    arch: architecture(),
    machineId: (readProc("/etc/machine-id") ?? "").trim(),
    bootId: (readProc("/proc/sys/kernel/random/boot_id") ?? "").trim(),
    instanceId: cloudInstanceId(dmi),
    productUuid: dmi("product_uuid").toLowerCase(),
    cores: availableParallelism(),
    memoryBytes: memory().memoryTotalBytes,
  };
}

function dmi(field: string): string {
  return (readProc(`/sys/class/dmi/id/${field}`) ?? "").trim();
}

async function load(): Promise<Load> {
  const load1 = Number((readProc("/proc/loadavg") ?? "0").split(" ")[0]);
  return { load1, ...memory() };
}

async function disks(): Promise<readonly Disk[]> {
  const mounts = parseMounts(readProc("/proc/self/mountinfo") ?? "");
  return Promise.all(mounts.map(diskAt));
}

async function diskAt(mount: string): Promise<Disk> {
  const { blocks, bavail, bsize, files, ffree } = await statfs(mount);
  return { mount, totalBytes: blocks * bsize, freeBytes: bavail * bsize, totalInodes: files, freeInodes: ffree };
}

function memory(): { memoryTotalBytes: number; memoryAvailableBytes: number } {
  const text = readProc("/proc/meminfo") ?? "";
  return { memoryTotalBytes: kibibytes(text, "MemTotal"), memoryAvailableBytes: kibibytes(text, "MemAvailable") };
}

function kibibytes(meminfo: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, "m").exec(meminfo)?.[1] ?? 0) * 1024;
}

function osName(osRelease: string): string {
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? "Linux";
}

function architecture(): "x64" | "arm64" {
  if (process.arch === "x64" || process.arch === "arm64") return process.arch;
  throw systemError("ENOTSUP", `the processor is a ${process.arch}`);
}
