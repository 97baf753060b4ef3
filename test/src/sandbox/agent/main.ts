import { program } from "@fettle/agent/program.ts";
import { sandboxHost } from "./machine.ts";

await program(sandboxHost(), process.argv.slice(2));
