import { ReadableStream } from "node:stream/web";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Secret } from "@fettle/shared/lib/secret.ts";

// The format is age's (age-encryption.org/v1) with a passphrase: scrypt with N = 2^18, then ChaCha20-Poly1305 over
// chunks of 64 KiB, the last one marked. The `age` program opens it too, should there be no Fettle at hand.

const VERSION_LINE = "age-encryption.org/v1\n";
/** With the nonce after it. */
const HEADER_BYTES = 170;

/** The bytes, encrypted as they come. */
export async function seal(passphrase: Secret, plain: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase.reveal());
  return await encrypter.encrypt(webStream(plain));
}

export interface Unsealed {
  /** Throws at the first chunk that is not right, and at the end when the last one is missing. */
  readonly plain: AsyncIterable<Uint8Array>;
  /** How long the plain text of the whole file is, by the file's size; null when no file has that size. */
  readonly bytes: number | null;
}

/** Opens a sealed file. Throws `backup.not-a-backup`, `backup.wrong-passphrase`, `backup.cut`. */
export async function unseal(
  file: string,
  passphrase: Secret,
  sealed: AsyncIterable<Uint8Array>,
  sealedBytes: number,
): Promise<Unsealed> {
  const { Decrypter } = await import("age-encryption");
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase.reveal());
  const opened = await decrypter.decrypt(webStream(sealed)).catch((error: unknown) => {
    throw refused(file, error, sealedBytes);
  });
  return { plain: opened, bytes: sizeOf(() => opened.size(sealedBytes)) };
}

function sizeOf(size: () => number): number | null {
  try {
    return size();
  } catch {
    return null;
  }
}

/** A file that ends within age's header of some 150 bytes says nothing of its passphrase. */
function refused(file: string, cause: unknown, sealedBytes: number): FettleError {
  const problem = messageOf(cause);
  if (problem.startsWith("no identity matched")) return new FettleError("backup.wrong-passphrase", { file }, { cause });
  const isShort = sealedBytes < VERSION_LINE.length && problem === "invalid version line";
  if (problem.startsWith("invalid version") && !isShort)
    return new FettleError("backup.not-a-backup", { file, problem: "it does not begin as one" }, { cause });
  if (sealedBytes < HEADER_BYTES) return new FettleError("backup.cut", { file }, { cause });
  return new FettleError("backup.tampered", { file, problem: `its header is wrong (${problem})` }, { cause });
}

/** A stream of the kind that age takes: pulled, so that nothing piles up between a fast reader and a slow writer. */
function webStream(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pieces = source[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    async cancel() {
      await pieces.return?.();
    },
  });
}
