import { join } from "node:path";
import type { Archives } from "../archives.ts";

/** In a bundle the program lies beside it; in the source it is where it was written. */
const UNPACK = import.meta.filename.endsWith(".ts")
  ? join(import.meta.dirname, "../programs/unpack.ts")
  : join(import.meta.dirname, "unpack.mjs");

const LONGEST_S = 1_800;

export const realArchives: Archives = {
  unpackCommand: (archive, into) => [process.execPath, UNPACK, into, archive],
  unpackUnit: ({ unit, archive, into, user }) => ({
    name: unit,
    description: `Fettle unpacks ${archive.slice(archive.lastIndexOf("/") + 1)}`,
    argv: [process.execPath, UNPACK, into],
    user,
    properties: {
      // Opened by systemd: the user may not even see the folder that the archive lies in.
      StandardInputFile: archive,
      NoNewPrivileges: true,
      PrivateNetwork: true,
      PrivateTmp: true,
      ProtectSystem: "strict",
      ReadWritePaths: into,
      UMask: 0o022,
      Nice: 10,
      RuntimeMaxSec: LONGEST_S,
    },
  }),
};
