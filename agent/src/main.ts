import { program } from "./program.ts";
import { makeRealHost } from "./system/real/host.ts";

await program(makeRealHost(), process.argv.slice(2));
