import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { endLeftovers } from "../leftovers.ts";
import { Manager } from "./manager.ts";
import { UnitServer } from "./server.ts";

const { values } = parseArgs({
  options: { root: { type: "string" }, socket: { type: "string" }, environment: { type: "string" } },
});
if (!values.root || !values.socket)
  throw new Error("usage: machine --root DIR --socket PATH [--environment FILE.json]");
const { root } = values;

const environment = values.environment
  ? (JSON.parse(readFileSync(values.environment, "utf8")) as Record<string, string>)
  : {};
const manager = new Manager({ root, environment, onChange: (unit) => server.changed(unit) });
const server: UnitServer = new UnitServer(manager);
await server.listen(values.socket);
await manager.boot();
// As systemd does.
process.on("SIGHUP", () => manager.daemonReload());
process.on("SIGTERM", () => {
  void manager.shutdown().then(() => {
    server.close();
    process.exit(0);
  });
});
// The sandbox holds the other end of standard input: when it is gone, the machine's power is gone.
process.stdin.resume().on("end", () => {
  manager.powerOff();
  endLeftovers(dirname(root));
  process.exit(1);
});
