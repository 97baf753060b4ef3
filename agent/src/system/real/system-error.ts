/** An error as Node's own are: told apart by its `code`. */
export function systemError(code: string, message: string, options?: { cause?: unknown }): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${message}`, options), { code });
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Runs `work`; null when it fails with one of these codes. */
export async function unless<T>(codes: readonly string[], work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (codes.includes(codeOf(error) ?? "")) return null;
    throw error;
  }
}
