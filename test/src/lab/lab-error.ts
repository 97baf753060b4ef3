/** An error of the lab itself, with a stable code; the product's own codes are elsewhere (shared/codes). */
export class LabError extends Error {
  override readonly name = "LabError";
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
