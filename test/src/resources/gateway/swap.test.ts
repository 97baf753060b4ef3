import { GATEWAY_CONTAINER } from "@fettle/shared/roles/gateway.ts";
import t from "tap";
import { ID } from "./bench.ts";
import { begin, inspect, NEXT, names, otherThan, PREVIOUS } from "./containers.ts";

t.setTimeout(180_000);

t.test("a new container that does not become ready is taken back, and not tried again by itself", async (t) => {
  const bench = await begin(t);
  const old = await inspect(bench);
  await bench.gatewayFaults({ startDelayMs: 600_000 });
  bench.declare(otherThan("https://127.0.0.1:2"));
  bench.clock.speed = 60;
  await t.rejects(bench.repair(ID.container), { code: "gateway.container.swap-undone" });
  bench.clock.speed = 1;
  const back = await inspect(bench);
  t.equal(back?.Id, old?.Id);
  t.match(back, { State: { Running: true } });
  t.same(await names(bench), [`${GATEWAY_CONTAINER} running`]);
  t.match(await bench.look(ID.container), {
    kind: "blocked",
    code: "gateway.container.swap-undone",
    args: { problem: /port 5052/ },
    changes: [{ what: "env AIGW_GITLAB_URL" }, {}],
  });
  await bench.gatewayFaults({});
  await bench.docker.getContainer(GATEWAY_CONTAINER).restart();
  t.match(await bench.look(ID.container), { kind: "blocked" }, "that the cause is gone is for a person to say");
  bench.approved = true;
  t.match(await bench.look(ID.container), { kind: "drift" });
  bench.approved = false;
  bench.kept(ID.container).set("retry", "a person asked");
  t.match(await bench.look(ID.container), { kind: "drift" });
  t.match(await bench.repair(ID.container), { kind: "in-sync" });
  t.equal((await inspect(bench, PREVIOUS))?.Id, old?.Id);
});

t.test("a platform that GitLab keeps waiting is no reason to take a container back", async (t) => {
  const bench = await begin(t);
  bench.declare({ platform: true });
  t.match(await bench.repair(ID.container), { kind: "in-sync" });
  t.match((await inspect(bench))?.HostConfig.PortBindings, { "50052/tcp": [{ HostPort: "50052" }] });
  t.match(await bench.look(ID.ready), { kind: "waiting", code: "gateway.ready.platform-keyless" });
});

t.test("a swap of a gateway that did not serve is not undone: there is nothing to go back to", async (t) => {
  const bench = await begin(t);
  await bench.docker.getContainer(GATEWAY_CONTAINER).stop();
  await bench.gatewayFaults({ startDelayMs: 600_000 });
  bench.declare(otherThan("https://127.0.0.1:2"));
  bench.clock.speed = 200;
  await t.rejects(bench.repair(ID.container), { code: "gateway.container.not-ready" });
  t.ok((await inspect(bench))?.Config.Env?.includes("AIGW_GITLAB_URL=https://127.0.0.1:2"));
  t.match(await bench.look(ID.container), { kind: "in-sync" }, "it runs as declared; gateway.ready says the rest");
});

t.test("an agent that dies anywhere in a swap leaves nothing half done", async (t) => {
  const bench = await begin(t);
  let url = 10;
  for (let at = 1; ; at += 1) {
    const before = await inspect(bench);
    url += 1;
    const wanted = `https://127.0.0.1:${url}`;
    bench.declare(otherThan(wanted));
    const died = await bench.applyAndDie(ID.container, at);
    if (!died) break;
    const verdict = await bench.look(ID.container);
    t.equal(verdict.kind, "drift", `dead before change ${at}: ${JSON.stringify(await names(bench))}`);
    t.match(await bench.repair(ID.container), { kind: "in-sync" }, `dead before change ${at}`);
    const now = await inspect(bench);
    t.match(now, { State: { Running: true } });
    t.ok(now?.Config.Env?.includes(`AIGW_GITLAB_URL=${wanted}`));
    t.equal((await inspect(bench, PREVIOUS))?.Id, before?.Id, "the one that ran before can come back");
    t.equal(await inspect(bench, NEXT), null);
    t.equal(bench.kept(ID.container).has("swap"), false);
  }
  t.ok(url >= 16, "every change of a container had its turn");
});

t.test("an agent that dies in a swap, and finds another declaration when it is back", async (t) => {
  const bench = await begin(t);
  const before = await inspect(bench);
  for (const at of [2, 3, 4, 5]) {
    bench.declare(otherThan("https://127.0.0.1:2"));
    t.ok(await bench.applyAndDie(ID.container, at), `dead before change ${at}`);
    bench.declare(otherThan("https://127.0.0.1:1"));
    t.match(await bench.repair(ID.container), { kind: "in-sync" });
    t.equal((await inspect(bench))?.Id, before?.Id, "the old one was right all the time");
    t.equal(await inspect(bench, NEXT), null);
    t.notOk((await names(bench)).some((name) => name.endsWith("-next created")));
  }
});

t.test("an agent that dies while it takes a container back goes on with that", async (t) => {
  const bench = await begin(t);
  const before = await inspect(bench);
  for (const at of [6, 7, 8]) {
    await bench.gatewayFaults({ startDelayMs: 600_000 });
    bench.clock.speed = 200;
    bench.declare(otherThan(`https://127.0.0.1:${at}`));
    t.ok(await bench.applyAndDie(ID.container, at), `dead before change ${at}`);
    bench.clock.speed = 1;
    await bench.gatewayFaults({});
    await t.rejects(bench.repair(ID.container), { code: "gateway.container.swap-undone" });
    t.match(await inspect(bench), { Id: before?.Id, State: { Running: true } });
    t.same(await names(bench), [`${GATEWAY_CONTAINER} running`]);
    bench.declare(otherThan("https://127.0.0.1:1"));
    await bench.converge();
  }
});
