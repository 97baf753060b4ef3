import type * as z from "zod";
import { FettleError } from "../lib/errors.ts";
import { envelope, MAX_DEPTH, MAX_FRAME_BYTES } from "./envelope.ts";
import { PROTOCOL } from "./version.ts";

type Schemas = Readonly<Record<string, z.ZodType>>;
type MessageOf<S extends Schemas> = { [T in keyof S & string]: { type: T; id: string; body: z.infer<S[T]> } }[keyof S &
  string];

/** A frame's text for one message. */
export function encode(type: string, id: string, body: unknown): string {
  return JSON.stringify({ v: PROTOCOL, type, id, body });
}

/**
 * The message in a frame; null for a type that this side does not know (ignored, so that a newer peer can say more).
 * Throws FettleError `link.bad-frame` for bad JSON, a frame over the limits, or a wrong type of a known field.
 */
export function decode<S extends Schemas>(schemas: S, frame: string): MessageOf<S> | null {
  const wrapped = envelope.safeParse(parse(frame));
  if (!wrapped.success) throw bad(wrapped.error.issues[0]?.message ?? "no envelope");
  const schema = Object.hasOwn(schemas, wrapped.data.type) ? schemas[wrapped.data.type] : undefined;
  if (schema === undefined) return null;
  const body = schema.safeParse(wrapped.data.body);
  if (!body.success) {
    const issue = body.error.issues[0];
    throw bad(`${wrapped.data.type}.${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
  }
  return { type: wrapped.data.type, id: wrapped.data.id, body: body.data } as MessageOf<S>;
}

function parse(frame: string): unknown {
  if (Buffer.byteLength(frame) > MAX_FRAME_BYTES) throw bad(`over ${MAX_FRAME_BYTES} bytes`);
  if (depthOf(frame) > MAX_DEPTH) throw bad(`nested deeper than ${MAX_DEPTH}`);
  try {
    return JSON.parse(frame);
  } catch {
    throw bad("not JSON");
  }
}

/** How deep the text nests, counted before parsing, so that a hostile frame costs one scan and no stack. */
function depthOf(frame: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let at = 0; at < frame.length; at += 1) {
    const char = frame[at];
    if (quoted) {
      if (char === "\\") at += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" || char === "[") deepest = Math.max(deepest, ++depth);
    else if (char === "}" || char === "]") depth -= 1;
  }
  return deepest;
}

function bad(problem: string): FettleError {
  return new FettleError("link.bad-frame", { problem });
}
