import * as z from "zod";
import { nodeName, resourceId } from "../protocol/names.ts";

/** Which stack; may be left out while the coordinator holds one only. */
export const stackQuery = z.object({ stack: nodeName.optional() });

/** `NODE` or `NODE/ID`, split at the first slash. */
export const target = z.object({ node: nodeName, resource: resourceId.optional() });

export const limit = z.coerce.number().int().min(1).max(1000).default(100);
