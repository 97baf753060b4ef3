import * as z from "zod";
import { ipAddress, splitHostPort } from "../lib/address.ts";
import { DURATION, parseDuration } from "../lib/duration.ts";
import { NODE_NAME } from "../protocol/names.ts";

/** Field types that several sections share. The `error` text says what is allowed, for the problem list. */
export const NAME_RULE =
  "a name of lower-case letters, digits and dashes that begins with a letter or digit, at most 63";

export const name = z.string().regex(NODE_NAME, { error: NAME_RULE });

export const duration = z
  .string()
  .regex(DURATION, { error: "a duration as in 30s, 10m or 2h" })
  .transform((text) => parseDuration(text) ?? 0);

/** A duration that the policy divides time by; zero would mean never. */
export const positiveDuration = duration.refine((ms) => ms > 0, { error: "a duration above zero, as in 10m" });

export const path = z
  .string()
  .max(500)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a path with control characters is what this refuses
  .regex(/^\/(?!.*(^|\/)\.\.(\/|$))[^\x00-\x1f\x7f]+$/, { error: "an absolute path on that machine, without `..`" });

export const address = z
  .string()
  .max(64)
  .refine((text) => ipAddress(text) !== null, { error: "an IPv4 or IPv6 address, as in 172.31.11.27" })
  .transform((text) => ipAddress(text) ?? text);

export const addressAndPort = z
  .string()
  .refine((text) => splitHostPort(text) !== null, { error: "address:port, as in 172.31.11.27:11434" })
  .transform((text) => splitHostPort(text) ?? { host: text, port: 0 });
