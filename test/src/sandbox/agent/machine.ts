import { readFileSync } from "node:fs";
import type { Host } from "@fettle/agent/system/host.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { makeSandboxHost, type SandboxMachine } from "../host/sandbox-host.ts";

/** The machine that this process runs on, from the file that FETTLE_SANDBOX_MACHINE names. */
export function sandboxHost(): Host {
  const path = must(process.env.FETTLE_SANDBOX_MACHINE, "FETTLE_SANDBOX_MACHINE");
  return makeSandboxHost(JSON.parse(readFileSync(path, "utf8")) as SandboxMachine);
}
