import { engineClient } from "../clients/engine/engine.ts";
import type { Host } from "../system/host.ts";
import type { Source } from "./source.ts";

/** What runs inside a container is no change of it: without this every look from the inside would call for the next. */
const FILTERS = {
  type: ["container", "image"],
  event: [
    ...["create", "start", "die", "destroy", "rename", "update", "pause", "unpause"],
    ...["pull", "tag", "untag", "delete", "load", "import"],
  ],
};

/** Containers and images that change, as the Docker Engine tells it. */
export function engineEvents(host: Host): Source {
  const engine = engineClient(host);
  return {
    id: "docker engine",
    async run(onEvent, signal) {
      for await (const _event of engine.events(FILTERS, signal)) onEvent();
    },
  };
}
