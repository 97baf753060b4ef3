import { stamp } from "../clock.ts";
import { type RestartPolicy, restartPolicy } from "../containers/config.ts";
import { checkName, newContainer } from "../containers/create.ts";
import { type ContainerRecord, isUp } from "../containers/record.ts";
import { inspected, summarised } from "../containers/view.ts";
import type { Core } from "../core.ts";
import { badRequest, EngineError } from "../errors.ts";
import { type Filters, matchesLabels, oneOf, parseFilters } from "../filters.ts";
import { record, text } from "../json.ts";
import type { Call } from "./call.ts";

const FILTERS = ["ancestor", "exited", "health", "id", "label", "name", "network", "publish", "status", "volume"];
const STOP_S = 10;

const named = ({ params }: Call, { containers }: Core): ContainerRecord => containers.get(params[0] ?? "");
const on = (value: string | null): boolean =>
  value !== null && !["", "0", "false", "no", "none"].includes(value.toLowerCase());

export async function list(call: Call, { containers, images, clock }: Core): Promise<void> {
  const { query } = call;
  const filters = parseFilters(query.get("filters") ?? "", FILTERS);
  const all = on(query.get("all")) || filters.status !== undefined;
  const found = containers.all().filter((one) => (all || isUp(one)) && wanted(one, filters));
  call.answer(
    200,
    found.map((one) => summarised(one, images.find(one.imageId), clock())),
  );
}

function wanted(container: ContainerRecord, filters: Filters): boolean {
  const { name, id, config, state, imageId } = container;
  return (
    matchesLabels(filters, config.Labels) &&
    oneOf(filters, "name", (value) => new RegExp(value.replace(/^\^?\//, (start) => start.slice(0, -1))).test(name)) &&
    oneOf(filters, "id", (value) => id.startsWith(value)) &&
    oneOf(filters, "status", (value) => state.status === value) &&
    oneOf(filters, "exited", (value) => state.status === "exited" && String(state.exitCode) === value) &&
    oneOf(filters, "ancestor", (value) => value === config.Image || imageId.includes(value))
  );
}

export async function create(call: Call, { containers, images, clock, lifecycle, hostPath }: Core): Promise<void> {
  const body = await call.json();
  const image = images.get(text(body.Image));
  const container = newContainer(call.query.get("name") ?? "", body, image, { now: stamp(clock()), hostPath });
  containers.refuseTakenName(container.name);
  containers.add(container);
  lifecycle.tell(container, "create");
  call.answer(201, { Id: container.id, Warnings: [] });
}

export async function inspect(call: Call, core: Core): Promise<void> {
  const container = named(call, core);
  call.answer(200, inspected(container, core.root, core.execs.of(container.id)));
}

export async function start(call: Call, core: Core): Promise<void> {
  call.answer((await core.lifecycle.start(named(call, core))) ? 204 : 304);
}

export async function stop(call: Call, core: Core): Promise<void> {
  const container = named(call, core);
  call.answer(
    (await core.lifecycle.stop(container, patience(call, container), stopSignal(call, container))) ? 204 : 304,
  );
}

export async function restart(call: Call, core: Core): Promise<void> {
  const container = named(call, core);
  await core.lifecycle.restart(container, patience(call, container), stopSignal(call, container));
  call.answer(204);
}

export async function pause(call: Call, core: Core): Promise<void> {
  await core.lifecycle.pause(named(call, core));
  call.answer(204);
}

export async function unpause(call: Call, core: Core): Promise<void> {
  await core.lifecycle.unpause(named(call, core));
  call.answer(204);
}

export async function kill(call: Call, core: Core): Promise<void> {
  const container = named(call, core);
  await core.lifecycle.kill(container, call.query.get("signal") ?? "SIGKILL", container.config.StopSignal ?? "SIGTERM");
  call.answer(204);
}

function patience({ query }: Call, { config }: ContainerRecord): number {
  return Number(query.get("t") ?? config.StopTimeout ?? STOP_S);
}

function stopSignal({ query }: Call, { config }: ContainerRecord): string {
  return query.get("signal") ?? config.StopSignal ?? "SIGTERM";
}

/** Answers its head at once, and the exit code when it is known. */
export async function wait(call: Call, core: Core): Promise<void> {
  const container = named(call, core);
  const condition = call.query.get("condition") || "not-running";
  const what = conditions[condition];
  if (what === undefined) throw badRequest(`invalid condition: "${condition}"`);
  const ended = core.lifecycle.runs.wait(container.id, what);
  call.gone.addEventListener("abort", ended.cancel);
  const output = call.stream("application/json");
  const already = what === "stopped" && !isUp(container);
  if (already) ended.cancel();
  const StatusCode = already ? container.state.exitCode : await ended.exitCode;
  output.end(`${JSON.stringify({ StatusCode })}\n`);
}

const conditions: Record<string, "stopped" | "next-exit" | "removed"> = {
  "not-running": "stopped",
  "next-exit": "next-exit",
  removed: "removed",
};

export async function rename(call: Call, core: Core): Promise<void> {
  const container = named(call, core);
  const name = (call.query.get("name") ?? "").replace(/^\//, "");
  if (name === "") throw badRequest("Neither old nor new names may be empty");
  if (name === container.name) throw badRequest("Renaming a container with the same name as its current name");
  checkName(name);
  try {
    core.containers.refuseTakenName(name);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError(error.status, `Error when allocating new name: ${error.message}`);
  }
  const oldName = `/${container.name}`;
  container.name = name;
  core.containers.save(container);
  core.lifecycle.tell(container, "rename", { oldName });
  call.answer(204);
}

export async function update(call: Call, core: Core): Promise<void> {
  const container = named(call, core);
  const { RestartPolicy, ...rest } = await call.json();
  const policy: { RestartPolicy?: RestartPolicy } =
    RestartPolicy === undefined ? {} : { RestartPolicy: restartPolicy(record(RestartPolicy)) };
  Object.assign(container.host, rest, policy);
  core.containers.save(container);
  core.lifecycle.tell(container, "update");
  call.answer(200, { Warnings: null });
}

export async function remove(call: Call, core: Core): Promise<void> {
  await core.lifecycle.remove(named(call, core), on(call.query.get("force")));
  call.answer(204);
}
