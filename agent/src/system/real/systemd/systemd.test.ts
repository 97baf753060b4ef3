import { Message, Variant } from "@jellybrick/dbus-next";
import t from "tap";
import { Bus } from "./bus.ts";
import { propertyCall, rulesOf } from "./messages.ts";
import { transientProperties } from "./transient.ts";
import { unitPath } from "./unit-path.ts";
import { RealUnits } from "./units.ts";
import { watchUnits } from "./watch-units.ts";

const paths = [
  { unit: "ollama.service", path: "ollama_2eservice" },
  { unit: "fettle-agent.service", path: "fettle_2dagent_2eservice" },
  { unit: "3com@x.service", path: "_33com_40x_2eservice" },
  { unit: "a_b.service", path: "a_5fb_2eservice" },
  { unit: "", path: "_" },
];

for (const { unit, path } of paths) {
  t.test(`the bus path of ${JSON.stringify(unit)}`, async (t) => {
    t.equal(unitPath(unit), `/org/freedesktop/systemd1/unit/${path}`);
    t.ok(new Message({ ...propertyCall(unit, "Unit", "Id"), body: [] }), "the client library takes it");
    t.equal(rulesOf(unit).length, 3);
  });
}

const settings = [
  { given: { RuntimeMaxSec: 1.5 }, name: "RuntimeMaxUSec", signature: "t", value: 1_500_000n },
  { given: { TimeoutStopUSec: 5 }, name: "TimeoutStopUSec", signature: "t", value: 5n },
  { given: { MemoryMax: 2 ** 33 }, name: "MemoryMax", signature: "t", value: 8_589_934_592n },
  { given: { Nice: -5 }, name: "Nice", signature: "i", value: -5 },
  { given: { UMask: 0o77 }, name: "UMask", signature: "u", value: 63 },
  { given: { PrivateTmp: true }, name: "PrivateTmp", signature: "b", value: true },
  { given: { Type: "oneshot" }, name: "Type", signature: "s", value: "oneshot" },
  { given: { RemainAfterExit: false }, name: "RemainAfterExit", signature: "b", value: false },
  { given: { ReadWritePaths: "/a  /b" }, name: "ReadWritePaths", signature: "as", value: ["/a", "/b"] },
];

for (const { given, name, signature, value } of settings) {
  t.test(`a transient unit's ${Object.keys(given)} is ${name}`, async (t) => {
    const unit = { name: "x", description: "d", argv: ["true"], properties: given };
    const found = transientProperties("/bin/true", unit).filter(([key]) => key === name);
    t.same(found, [[name, new Variant(signature, value)]], "once, with what was given");
  });
}

t.test("a transient unit's command is not expanded, and its environment and user are passed on", async (t) => {
  const argv = ["sh", "-c", "echo $HOME $$ %n"];
  const unit = { name: "x", description: "d", argv, env: { A: "$B" }, user: "ollama" };
  const properties = new Map(transientProperties("/bin/sh", unit));
  t.same(properties.get("ExecStart")?.value, [["/bin/sh", ["/bin/sh", "-c", "echo $$HOME $$$$ %n"], false]]);
  t.same(properties.get("Environment")?.value, ["A=$B"]);
  t.equal(properties.get("User")?.value, "ollama");
});

const bus = new Bus();
const hasSystemd = await bus.available();

t.test("without systemd every order says so, and a watch is silent", { skip: hasSystemd }, async (t) => {
  const units = new RealUnits(bus);
  const orders: readonly (() => Promise<unknown>)[] = [
    () => units.show("x.service"),
    () => units.start("x.service"),
    () => units.enable("x.service"),
    () => units.daemonReload(),
    () => units.resetFailed("x.service"),
    () => units.runTransient({ name: "x", description: "d", argv: ["true"] }),
  ];
  for (const order of orders) await t.rejects(order(), { code: "no-systemd" });
  const end = watchUnits(bus, ["x.service"], () => t.fail("nothing to hear"));
  end();
});
