import { kinds, type Shape } from "../control.ts";

/** Repository to its tags, each with a number; another number is another image under the same tag. */
export type Images = Record<string, Record<string, number>>;

/** The ways in which this stand-in can be told to misbehave, and what it publishes beyond its start. Absent is healthy. */
export interface RegistryFaults {
  /** Blobs and release files go out no faster. */
  bytesPerSecond: number;
  /** A transfer sends so many bytes, then nothing, and stays open. */
  stallAfterBytes: number;
  /** A transfer is cut off after so many bytes. */
  cutAfterBytes: number;
  /** A transfer ends cleanly after so many bytes, too early. */
  endAfterBytes: number;
  /** How many transfers the three above meet; after that all is well. Default: all. */
  times: number;
  /** A byte of what is sent is wrong. */
  corrupt: boolean;
  /** Every manifest, every blob answers with this status; 412 says that a newer Ollama is needed. */
  manifestStatus: number;
  blobStatus: number;
  /** Any path that starts with the key answers with the status. */
  status: Record<string, number>;
  /** These path beginnings never answer. */
  hang: string[];
  /** Manifests that are not what they should be: this text instead. */
  manifestText: string;
  /** Blobs are served without a Location header, as a plain registry or a caching proxy does. */
  noLocation: boolean;
  /** Blobs are redirected (307) to the same path at this base URL. */
  redirectTo: string;
  /** Models need a token; "foreign" names a realm on another host. */
  token: "own" | "foreign";
  /** Another version of a model under the same tag, by name. */
  revisions: Record<string, number>;
  /** Replaces the container images. */
  images: Images;
}

export const shape: Shape<RegistryFaults> = {
  bytesPerSecond: kinds.count,
  stallAfterBytes: kinds.count,
  cutAfterBytes: kinds.count,
  endAfterBytes: kinds.count,
  times: kinds.count,
  corrupt: kinds.flag,
  manifestStatus: kinds.count,
  blobStatus: kinds.count,
  status: kinds.object,
  hang: kinds.texts,
  manifestText: kinds.text,
  noLocation: kinds.flag,
  redirectTo: kinds.text,
  token: { is: '"own" or "foreign"', ok: (value) => value === "own" || value === "foreign" },
  revisions: kinds.object,
  images: kinds.object,
};
