import type * as z from "zod";
import { ack } from "./ack.ts";
import { ask } from "./ask.ts";
import { bye } from "./bye.ts";
import { desired } from "./desired.ts";
import { logAck } from "./log-ack.ts";
import { ping } from "./ping.ts";
import { retryAfter } from "./retry-after.ts";
import { welcome } from "./welcome.ts";

/** Every message from the coordinator: type -> schema of its body. */
export const down = { welcome, desired, ack, logAck, ask, retryAfter, bye, ping };

export type DownType = keyof typeof down;
export type DownBody<T extends DownType> = z.infer<(typeof down)[T]>;
export type DownMessage = { [T in DownType]: { type: T; body: DownBody<T> } }[DownType];
