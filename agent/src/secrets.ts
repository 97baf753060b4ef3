import { REDACTED } from "@fettle/shared/lib/secret.ts";

/** Shorter values are words; cutting them out would leave holes in every log. */
const SHORTEST = 8;

/** Cuts known secrets out of text that arrives in pieces. */
export interface Cutter {
  /** The text that is safe to pass on; the end that may be the beginning of a secret is held back. */
  push(text: string): string;
  /** What was held back, cut. */
  end(): string;
}

/**
 * The values that this process knows to be secret. Everything that is stored, sent or logged goes through `cut`, which
 * finds them as they are, in base64 (at any offset), percent-encoded and escaped as in JSON.
 */
export class Secrets {
  readonly #forms = new Set<string>();
  /** Longest first, so that a form that contains another is cut whole. */
  #sorted: readonly string[] = [];

  /** Adds a value, and the long lines of one with several (a PEM key on a terminal comes line by line). */
  add(value: string): void {
    const parts = [value, ...value.split(/\r?\n/).filter((line) => line.length >= 20 && !line.startsWith("-----"))];
    for (const part of parts) for (const form of formsOf(part.trim())) this.#forms.add(form);
    this.#sorted = [...this.#forms].sort((a, b) => b.length - a.length);
  }

  cut(text: string): string {
    let safe = text;
    for (const form of this.#sorted) if (safe.includes(form)) safe = safe.replaceAll(form, REDACTED);
    return safe;
  }

  stream(): Cutter {
    let held = "";
    return {
      push: (text) => {
        const all = this.cut(held + text);
        const keep = this.#beginning(all);
        held = all.slice(all.length - keep);
        return all.slice(0, all.length - keep);
      },
      end: () => {
        const rest = this.cut(held);
        held = "";
        return rest;
      },
    };
  }

  /** Length of the longest end of `text` that is the beginning of a secret. */
  #beginning(text: string): number {
    let longest = 0;
    for (const form of this.#sorted) {
      const most = Math.min(form.length - 1, text.length);
      for (let length = most; length > longest; length -= 1)
        if (form.startsWith(text.slice(text.length - length))) longest = length;
    }
    return longest;
  }
}

function formsOf(value: string): string[] {
  if (value.length < SHORTEST) return [];
  const escaped = JSON.stringify(value).slice(1, -1);
  const forms = [
    value,
    value.replaceAll("\n", "\r\n"),
    escaped,
    JSON.stringify(escaped).slice(1, -1),
    encodeURIComponent(value),
    Buffer.from(value).toString("hex"),
    ...base64Forms(value),
  ];
  return forms.filter((form) => form.length >= SHORTEST);
}

/** base64 of a text that contains the value: three offsets, each without the characters that its neighbours share. */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value);
  return [0, 1, 2].flatMap((offset) => {
    const whole = Buffer.concat([Buffer.alloc(offset), bytes]);
    const from = offset === 0 ? 0 : offset + 1;
    const to = Math.floor((whole.length * 8) / 6);
    const plain = whole.toString("base64").slice(from, to);
    return [plain, plain.replaceAll("+", "-").replaceAll("/", "_")];
  });
}
