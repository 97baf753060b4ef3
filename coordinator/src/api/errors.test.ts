import { FettleError } from "@fettle/shared/lib/errors.ts";
import Database from "better-sqlite3";
import Fastify from "fastify";
import t from "tap";
import { sendError } from "./errors.ts";

/** What SQLite throws when there is no room for another page. */
function diskFull(): unknown {
  const db = new Database(":memory:");
  db.exec("CREATE TABLE full (text)");
  db.pragma("max_page_count = 2");
  try {
    return db.prepare("INSERT INTO full VALUES (?)").run("x".repeat(100_000));
  } catch (error) {
    return error;
  } finally {
    db.close();
  }
}

const cases: ReadonlyArray<readonly [name: string, thrown: unknown, status: number, code: string]> = [
  ["a full disk", diskFull(), 503, "store.not-writable"],
  ["an error of ours", new FettleError("stack.moved", {}), 409, "stack.moved"],
  [
    "a request that fastify refuses",
    Object.assign(new Error("too large"), { statusCode: 413 }),
    400,
    "api.bad-request",
  ],
  ["anything else", new TypeError("secret inside"), 500, "api.internal"],
];

t.test("every error has an answer with a code, and tells nothing of what is not ours", async (t) => {
  for (const [name, thrown, status, code] of cases) {
    const app = Fastify();
    app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
    app.get("/", async () => {
      throw thrown;
    });
    const answer = await app.inject("/");
    t.equal(answer.statusCode, status, name);
    t.match(answer.json(), { error: { code } }, name);
    t.notMatch(answer.body, /secret inside/, name);
  }
});
