import { kinds, type Shape } from "../control.ts";
import { pullErrors } from "./images/pull-errors.ts";

export interface EngineFaults {
  /** The daemon is not there: its socket is gone, its containers are stopped. Cleared: it starts as at boot. */
  down: boolean;
  /** Connections are accepted and nothing is answered. */
  unresponsive: boolean;
  /** Streams of events are cut, those that run and those that come. */
  eventsCut: boolean;
  /** A key of `pullErrors`: what every pull ends with. */
  pullError: string;
  /** All layers together. */
  pullBytesPerSecond: number;
  /** The share of the bytes after which nothing comes any more. */
  pullStallsAt: number;
  /** Every start of a container ends with this text. */
  startError: string;
  /** This machine's architecture, as the Engine calls it, instead of the real one. */
  architecture: string;
  /** An Engine with the containerd store: it gives an image that it loads a manifest of its own. */
  containerdStore: boolean;
}

export const faultShape: Shape<EngineFaults> = {
  down: kinds.flag,
  unresponsive: kinds.flag,
  eventsCut: kinds.flag,
  pullError: {
    is: `one of ${Object.keys(pullErrors).join(", ")}`,
    ok: (value) => typeof value === "string" && Object.hasOwn(pullErrors, value),
  },
  pullBytesPerSecond: kinds.count,
  pullStallsAt: kinds.share,
  startError: kinds.text,
  architecture: kinds.text,
  containerdStore: kinds.flag,
};
