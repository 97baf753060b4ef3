import type { CodeFile } from "./code.ts";

/** Codes of the connection between an agent and its coordinator. */
export const linkCodes = {
  "link.bad-frame": {
    severity: "critical",
    cause: "The peer sent a frame that cannot be read: {problem}.",
    remedy: "Check that both programs are Fettle and of neighbouring versions; the connection is made again by itself.",
    status: 400,
  },
} as const satisfies CodeFile;
