import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

const name = "bytes-per-second";

/** Slows every download that the registry begins from now on, so that a pull has a middle; undefined: full speed. */
export function setPace(imagesFolder: string, bytesPerSecond: number | undefined): void {
  if (bytesPerSecond === undefined) rmSync(join(imagesFolder, name), { force: true });
  else writeFileSync(join(imagesFolder, name), String(bytesPerSecond));
}

export function paced(imagesFolder: string): Transform {
  const path = join(imagesFolder, name);
  const pace = existsSync(path) ? Number(readFileSync(path, "utf8")) : Number.POSITIVE_INFINITY;
  return new Transform({
    async transform(chunk: Buffer, _encoding, done) {
      await sleep((chunk.length / pace) * 1000);
      done(null, chunk);
    },
  });
}
