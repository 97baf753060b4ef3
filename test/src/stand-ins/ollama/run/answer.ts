/** The canned answer, in tokens. It depends on the length of the prompt and on nothing that is in it. */
export function answerTo(prompt: string): string[] {
  const words = prompt.split(/\s+/).filter(Boolean).length;
  const text = `Understood. This answer to a prompt of ${words} words comes from a stand-in that knows nothing else.`;
  return text.split(/(?= )/);
}

/** A rough count, four letters to a token. */
export const tokensIn = (prompt: string): number => Math.max(1, Math.ceil(prompt.length / 4));
