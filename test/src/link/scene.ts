import type { Test } from "tap";
import { AgentSide } from "./agent-side.ts";
import { newCa, newIdentity, newServer } from "./certificates.ts";
import { FakeCoordinator } from "./fake-coordinator.ts";

export const ca = await newCa();
export const server = await newServer(ca);
export const identity = await newIdentity(ca);

export interface Pair {
  readonly coordinator: FakeCoordinator;
  readonly agent: AgentSide;
}

/** A coordinator and an agent that dials it; `before` sets the scene before the first dial. */
export async function pair(
  t: Test,
  before: (coordinator: FakeCoordinator) => void = () => {},
  speed = 5,
): Promise<Pair> {
  const coordinator = new FakeCoordinator(ca, server);
  before(coordinator);
  const agent = new AgentSide([await coordinator.listen()], identity, speed);
  t.teardown(async () => {
    coordinator.close();
    await agent.stop();
  });
  return { coordinator, agent };
}

/** Until `look` is true, looking again at every turn of the event loop's timers; a test that waits for ever fails. */
export async function until(look: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!look()) {
    if (performance.now() > end) throw new Error("it did not come to be");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
