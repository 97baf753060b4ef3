import * as z from "zod";
import { nodeName, text } from "./names.ts";
import { finding } from "./resource-report.ts";

export const HEALTH_STATES = ["ok", "warning", "critical", "unknown"] as const;
export const healthState = z.enum(HEALTH_STATES);
export type HealthState = z.infer<typeof healthState>;

/** One graphics card as nvidia-smi says; sizes in MiB; null is what the driver does not tell. */
export const gpu = z.object({
  index: z.number().int(),
  uuid: z.string().max(80),
  name: z.string().max(120),
  driver: z.string().max(40),
  computeCapability: z.string().max(10).nullable(),
  memoryTotalMiB: z.number().nullable(),
  memoryUsedMiB: z.number().nullable(),
  utilisationPercent: z.number().nullable(),
  temperatureC: z.number().nullable(),
  powerW: z.number().nullable(),
});
export type Gpu = z.infer<typeof gpu>;

export const disk = z.object({
  mount: z.string().max(500),
  totalBytes: z.number(),
  freeBytes: z.number(),
  totalInodes: z.number(),
  freeInodes: z.number(),
});
export type Disk = z.infer<typeof disk>;

export const certificate = z.object({ name: z.string().max(200), expiresAt: z.number(), problem: text.optional() });
export type Certificate = z.infer<typeof certificate>;

/** The machine's health, apart from sync. `findings` say what is not ok. */
export const health = z.object({
  state: healthState,
  gpus: z.array(gpu).max(64),
  gpuState: z.enum(["ok", "absent", "failed", "hung"]),
  disks: z.array(disk).max(64),
  memoryTotalBytes: z.number(),
  memoryAvailableBytes: z.number(),
  load1: z.number(),
  certificates: z.array(certificate).max(16),
  findings: z.array(finding).max(50),
});
export type Health = z.infer<typeof health>;

/** What this node's probe of a peer's port found. */
export const portProbe = z.object({
  peer: nodeName,
  host: z.string().max(255),
  port: z.number().int().min(1).max(65535),
  service: z.enum(["gateway", "platform", "gitlab", "ollama"]),
  result: z.enum(["ok", "refused", "filtered", "wrong-service", "unreachable", "unknown"]),
  milliseconds: z.number().optional(),
});
export type PortProbe = z.infer<typeof portProbe>;
