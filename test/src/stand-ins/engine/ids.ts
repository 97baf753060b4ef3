import { createHash, randomBytes } from "node:crypto";

/** The 64 hex digits that containers, execs and endpoints are known by. */
export const newId = (): string => randomBytes(32).toString("hex");

export const hashOf = (...parts: unknown[]): string => createHash("sha256").update(JSON.stringify(parts)).digest("hex");

export const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);
