import { stamp } from "../clock.ts";
import type { Core } from "../core.ts";
import { badRequest, EngineError } from "../errors.ts";
import type { Catalogue } from "../images/catalogue.ts";
import { type ImageDefinition, imageIdOf } from "../images/definition.ts";
import { pullLines } from "../images/pull.ts";
import { type PullError, type PullErrorName, pullError, pullErrors } from "../images/pull-errors.ts";
import { parseReference, type Reference, registryOf, written } from "../images/reference.ts";
import type { Call } from "./call.ts";

/** `POST /images/create`: what is wrong before the first byte is a status, what goes wrong later a line. */
export async function pull(call: Call, core: Core): Promise<void> {
  const reference = referenceIn(call.query);
  const definition = available(reference, core);
  const here = core.images.find(imageIdOf(definition)) !== undefined;
  const output = call.stream("application/json");
  const context = { faults: core.faults, layersHere: core.layersHere, signal: call.gone };
  try {
    let failed = false;
    for await (const line of pullLines(reference, definition, !here, context)) {
      failed = line.error !== undefined;
      output.write(`${JSON.stringify(line)}\r\n`);
    }
    if (!failed) arrived(reference, definition, core);
    output.end();
  } catch (error) {
    // The client has hung up: what is here of it stays for the next pull.
    if (!call.gone.aborted) throw error;
  }
}

function referenceIn(query: URLSearchParams): Reference {
  const from = query.get("fromImage") ?? "";
  if (from === "") throw badRequest("the stand-in creates images by pulling only: fromImage is missing");
  const tag = query.get("tag") ?? "";
  if (tag === "") return parseReference(from);
  return parseReference(tag.includes(":") ? `${from}@${tag}` : `${from}:${tag}`);
}

function available(reference: Reference, { catalogue, faults }: Core): ImageDefinition {
  const fault = pullError(faults().pullError);
  const found = catalogue.find(reference);
  const problem: PullError | undefined = fault?.status === undefined ? undefined : fault;
  if (problem === undefined && found !== undefined) return found;
  const { status = 500, text }: PullError = problem ?? pullErrors[missing(reference, catalogue)];
  throw new EngineError(status, text(registryOf(reference), written(reference)));
}

function missing(reference: Reference, catalogue: Catalogue): PullErrorName {
  if (catalogue.hasRepository(reference)) return "not-found";
  if (catalogue.hasRegistry(reference)) return "denied";
  return /^[\d.]+:\d+$/.test(registryOf(reference)) ? "refused" : "no-such-host";
}

function arrived(reference: Reference, definition: ImageDefinition, { images, clock, events }: Core): void {
  const name = written(reference);
  images.add(definition, reference.digest === undefined ? [name] : [], true, stamp(clock()));
  events.emit("image", "pull", name, { ...definition.labels, name: reference.familiar });
}
