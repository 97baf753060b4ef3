import type * as z from "zod";
import { answer } from "./answer.ts";
import { hello } from "./hello.ts";
import { log } from "./log.ts";
import { metrics } from "./metrics.ts";
import { ping } from "./ping.ts";
import { records } from "./records.ts";
import { report } from "./report.ts";

/** Every message from an agent: type -> schema of its body. */
export const up = { hello, report, metrics, records, log, answer, ping };

export type UpType = keyof typeof up;
export type UpBody<T extends UpType> = z.infer<(typeof up)[T]>;
export type UpMessage = { [T in UpType]: { type: T; body: UpBody<T> } }[UpType];
