import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyIn, copyOut, readFile, writeFile } from "../host-files.ts";
import type { Step } from "./step.ts";

export const files: Step[] = [
  {
    name: "folders are copied into a host and out of it, also where a tmpfs is mounted",
    async run({ gitlab }) {
      const folder = mkdtempSync(join(tmpdir(), "fettle-lab-"));
      try {
        mkdirSync(join(folder, "box/inner"), { recursive: true });
        writeFileSync(join(folder, "box/inner/letter"), "dear host");
        await copyIn(gitlab, join(folder, "box"), "/run/lab-probe");
        assert.equal(await readFile(gitlab, "/run/lab-probe/box/inner/letter"), "dear host");
        await writeFile(gitlab, "/run/lab-probe/box/inner/letter", "dear machine", "0600");
        await copyOut(gitlab, "/run/lab-probe/box", join(folder, "back"));
        assert.equal(readFileSync(join(folder, "back/box/inner/letter"), "utf8"), "dear machine");
      } finally {
        rmSync(folder, { recursive: true });
        await gitlab.run(["rm", "-rf", "/run/lab-probe"]);
      }
    },
  },
];
