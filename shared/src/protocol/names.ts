import * as z from "zod";

export const NODE_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** `role.kind` or `role.kind[name]`, as in `ollama.model[hf.co/a/b:q4]`. */
export const RESOURCE_ID = /^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*(\[[\x21-\x7e]{1,200}\])?$/;

/** What may stand in the brackets of a resource id; a longer or stranger name could not be reported. */
export const resourceName = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, { error: "a name without spaces and line breaks" });

export const nodeName = z.string().regex(NODE_NAME);
export const resourceId = z.string().max(255).regex(RESOURCE_ID);
export const hash = z.string().regex(/^[0-9a-f]{64}$/);
export const code = z
  .string()
  .max(80)
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+){1,2}$/);
/** Wall-clock milliseconds since 1970. */
export const wallMs = z.number().int().nonnegative();
/** Text for people; longer text is cut by the sender. */
export const text = z.string().max(2000);
