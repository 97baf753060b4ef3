/**
 * Protocol -> sha256 over the JSON Schema of its envelope and of every message, up and down. A line that was shipped
 * is never edited: what changes a message makes the next protocol. The test of version.ts compares, and says what to do.
 */
export const SCHEMA_HASHES: Readonly<Record<number, string>> = {
  1: "05d5208e4d0951cff592ec212d673b2c926944457679190cba89aa1bee9d9a9e",
};
