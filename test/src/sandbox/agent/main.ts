import { program } from "@fettle/agent/program.ts";
import { sandboxHost } from "./machine.ts";

const dieAt = process.env.FETTLE_SANDBOX_DIE_AT;
const options = dieAt === undefined ? {} : { open: (await import("./die-at.ts")).storeThatDies(dieAt) };
await program(sandboxHost(), process.argv.slice(2), options);
