import t from "tap";
import * as z from "zod";
import { hashOf } from "../lib/canonical.ts";
import { FettleError } from "../lib/errors.ts";
import { decode, encode } from "./codec.ts";
import { down } from "./down.ts";
import { envelope, MAX_DEPTH, MAX_FRAME_BYTES } from "./envelope.ts";
import { SCHEMA_HASHES } from "./schema-hash.ts";
import { up } from "./up.ts";
import { OLDEST_PROTOCOL, PROTOCOL, speaksWith } from "./version.ts";

const schemasOf = (messages: Readonly<Record<string, z.ZodType>>) =>
  Object.fromEntries(Object.entries(messages).map(([type, schema]) => [type, z.toJSONSchema(schema, { io: "input" })]));

t.test("a message that changes makes another protocol", async (t) => {
  const found = hashOf({ envelope: z.toJSONSchema(envelope), up: schemasOf(up), down: schemasOf(down) });
  const todo = [
    `A message of the wire has changed. Agents and coordinators of protocol ${PROTOCOL} may be out there, so:`,
    `raise PROTOCOL in version.ts to ${PROTOCOL + 1}, and add to SCHEMA_HASHES in schema-hash.ts, in the same commit,`,
    `  ${PROTOCOL + 1}: "${found}",`,
    "(the new envelope changes the hash once more: run this test again). Only while no protocol was ever shipped",
    "the present line may be edited instead.",
  ];
  t.equal(SCHEMA_HASHES[PROTOCOL], found, todo.join("\n"));
});

const PONG = { at: 1 };
const frame = (body: unknown, more: object = {}) =>
  JSON.stringify({ v: PROTOCOL, type: "ping", id: "1", body, ...more });
/** Well-formed JSON that nests `depth` deep. */
const nested = (depth: number) => frame(PONG, { extra: JSON.parse("[".repeat(depth - 1) + "]".repeat(depth - 1)) });
const filled = (bytes: number) => {
  const empty = frame(PONG, { filler: "" });
  return frame(PONG, { filler: "x".repeat(bytes - empty.length) });
};

const taken: Array<[name: string, frame: string]> = [
  ["a message", frame(PONG)],
  ["an unknown field is dropped, in the body and beside it", frame({ ...PONG, colour: "red" }, { colour: "red" })],
  ["as deep as is allowed", nested(MAX_DEPTH)],
  ["as large as is allowed", filled(MAX_FRAME_BYTES)],
  ["of a newer protocol", frame(PONG, { v: PROTOCOL + 1 })],
  ["of an older protocol, so that its hello can be answered", frame(PONG, { v: OLDEST_PROTOCOL - 1 })],
  ["brackets in text are no depth", frame(PONG, { text: `${"[{".repeat(50)}\\"[` })],
];

for (const [name, text] of taken)
  t.test(`taken: ${name}`, async (t) => t.same(decode(up, text), { type: "ping", id: "1", body: PONG }));

t.test("an unknown type is ignored, also one that every object has", async (t) => {
  for (const type of ["colour", "constructor", "__proto__", "toString"])
    t.equal(decode(up, frame(PONG, { type })), null, type);
});

const refused: Array<[name: string, frame: string, problem: RegExp]> = [
  ["no JSON", "{", /not JSON/],
  ["nothing", "", /not JSON/],
  ["no object", "[]", /expected object/],
  ["no body", JSON.stringify({ v: PROTOCOL, type: "ping", id: "1" }), /received undefined/],
  ["a protocol that cannot be", frame(PONG, { v: -1 }), /v|>=0/],
  ["an id that is no text", frame(PONG, { id: 1 }), /expected string/],
  ["a wrong type of a known field", frame({ at: "now" }), /ping\.at: .*expected number/],
  ["a field that is missing", frame({}), /ping\.at/],
  ["a number that is none", frame(PONG).replace("1}", "NaN}"), /not JSON/],
  ["too deep", nested(MAX_DEPTH + 1), /deeper than 12/],
  ["very deep", "[".repeat(500_000), /deeper than 12/],
  ["too large", filled(MAX_FRAME_BYTES + 1), /over 1048576 bytes/],
  ["too large in bytes, not in characters", frame(PONG, { text: "ä".repeat(600_000) }), /over 1048576 bytes/],
];

for (const [name, text, problem] of refused)
  t.test(`refused: ${name}`, async (t) => {
    try {
      decode(up, text);
      t.fail("it was taken");
    } catch (error) {
      t.ok(error instanceof FettleError && error.code === "link.bad-frame", String(error));
      t.match(String(error), problem);
    }
  });

t.test("what one side encodes, the other decodes", async (t) => {
  const body = { runId: "01890000-0000-7000-8000-000000000000", seq: 3, at: 1, data: 'ä \u0000 "quoted"\n' };
  t.same(decode(up, encode("log", "7", body)), { type: "log", id: "7", body });
  t.same(decode(down, encode("logAck", "8", body)), { type: "logAck", id: "8", body: { runId: body.runId, seq: 3 } });
});

t.test("one step apart is understood, both ways, and nothing below the oldest", async (t) => {
  for (const [peer, expected] of [
    [PROTOCOL, true],
    [PROTOCOL + 1, true],
    [PROTOCOL + 2, false],
    [OLDEST_PROTOCOL - 1, false],
  ] as const)
    t.equal(speaksWith(peer), expected, `protocol ${peer}`);
});
