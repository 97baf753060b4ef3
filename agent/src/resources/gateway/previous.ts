import { define } from "../define.ts";
import type { Resource } from "../resource.ts";
import { type Found, findContainers, isOurs } from "./containers.ts";
import { engineLook } from "./engine-away.ts";
import type { Gateway } from "./gateway.ts";
import { PREVIOUS } from "./names.ts";

/** The container that the last swap set aside is gone. Its gate opens when GitLab had answers through the new one. */
export function previous({ params }: Gateway): Resource<Found["previous"]> {
  const { drainMs: _drain, probes: _probes, ...declared } = params;
  return define<Found["previous"]>({
    id: "gateway.previous",
    declared,
    after: ["gateway.container", "gateway.ready", "gateway.auth"],
    touches: ["engine:"],
    observe: ({ clients, pass }, signal) =>
      engineLook(signal, async () => (await findContainers(clients.engine, pass, signal)).previous),
    diff: (found) => {
      if (found === null || !isOurs(found)) return { kind: "in-sync" };
      const changes = [{ what: PREVIOUS, from: "set aside", to: null }];
      return { kind: "drift", changes, disturbs: "none", breaking: false };
    },
    apply: async ({ clients, pass }, _changes, signal) => {
      const found = (await findContainers(clients.engine, pass, signal)).previous;
      if (found !== null && isOurs(found)) await clients.engine.containers.remove(found.Id);
    },
  });
}
