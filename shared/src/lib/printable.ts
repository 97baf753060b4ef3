/**
 * Text that a terminal and a page can show as it is: control characters (but newline and tab) and the characters that
 * turn the reading direction are taken out.
 */
export function printable(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
}
