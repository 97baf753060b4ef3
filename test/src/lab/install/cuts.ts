import assert from "node:assert/strict";
import { writeFile } from "../host-files.ts";
import { assertSame, type InstallStep, scriptFor, stateOf } from "./bench.ts";

const FOLDER = "/run/fettle-lab-cuts";

/** Ends of the pieces: every 512th byte, every byte of the last lines, and those around the ends of lines. */
function endsOf(script: string): number[] {
  const size = Buffer.byteLength(script);
  const steps = Array.from({ length: Math.floor(size / 512) }, (_, index) => (index + 1) * 512);
  const last = Array.from({ length: 200 }, (_, index) => size - 2 - index);
  return [...new Set([0, 1, ...steps, ...last])].filter((end) => end < size - 1);
}

/** The download is cut there: nothing may run. All cuts run in one go, as root, with a good token at hand. */
export const cuts: InstallStep[] = [
  {
    name: "install.sh cut at every 512th byte, and at each byte of its end, changes nothing",
    async run(lab) {
      const { text, minted } = await scriptFor(lab);
      const ends = endsOf(text);
      const before = await stateOf(lab.ollama);
      await writeFile(lab.ollama, `${FOLDER}/whole`, text);
      const loop = `for end in ${ends.join(" ")}; do
        head -c $end ${FOLDER}/whole >${FOLDER}/cut
        printf %s '${minted.token}' | sh ${FOLDER}/cut >>${FOLDER}/said 2>&1 && code=0 || code=$?
        printf '%s %s\\n' $end $code
      done`;
      const codes = await lab.ollama.run(["sh", "-c", loop], { timeoutMs: 300_000 });
      const said = await lab.ollama.run(["cat", `${FOLDER}/said`]);
      await lab.ollama.run(["rm", "-r", FOLDER]);
      assert.equal(codes.split("\n").length, ends.length);
      assert.doesNotMatch(said, /download|enrol|connected/);
      assertSame(await stateOf(lab.ollama), before);
      return `${ends.length} cuts of ${Buffer.byteLength(text)} bytes`;
    },
  },
];
