/**
 * Protocol -> sha256 over the JSON Schema of its envelope and of every message, up and down. A line that was shipped
 * is never edited: what changes a message makes the next protocol. The test of version.ts compares, and says what to do.
 */
export const SCHEMA_HASHES: Readonly<Record<number, string>> = {
  1: "4c16d8a5e6e3ce86fa28145f7b9cb0ee02ad3f99635500933c3690d9c3953c53",
};
