/**
 * Protocol -> sha256 over the JSON Schema of its envelope and of every message, up and down. A line that was shipped
 * is never edited: what changes a message makes the next protocol. The test of version.ts compares, and says what to do.
 */
export const SCHEMA_HASHES: Readonly<Record<number, string>> = {
  1: "e0d8767b8cae46760e0b857aa43ddb3ebd09a809025753d69da33e3773634075",
};
