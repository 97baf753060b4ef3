import type * as z from "zod";

/** Why an archive is not the image that was asked for. */
export class ImageProblem extends Error {}

/** Reads what lies in an archive under a name; null when there is none. Throws ImageProblem when it is too large. */
export type ReadEntry = (name: string) => Promise<Uint8Array | null>;

/** As the Engine writes a reference: Docker Hub's own parts left away. */
export function plain(reference: string): string {
  return reference.replace(/^(?:index\.)?docker\.io\/(?:library\/)?/, "");
}

/** A JSON file of the archive in its shape. Throws ImageProblem. */
export async function parsed<T>(read: ReadEntry, name: string, schema: z.ZodType<T>): Promise<T> {
  const bytes = await read(name);
  if (bytes === null) throw new ImageProblem(`${name} is missing: it is no archive of \`docker save\``);
  const found = schema.safeParse(json(bytes));
  if (found.success) return found.data;
  throw new ImageProblem(`${name} is not what it should be`);
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
