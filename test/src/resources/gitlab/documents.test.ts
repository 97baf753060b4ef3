import { DOCUMENTS, INTROSPECTED, SCHEMA } from "@fettle/agent/clients/gitlab/documents.ts";
import { GitlabSchema, schemaFrom } from "@fettle/agent/clients/gitlab/schema.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { type GraphQLSchema, graphqlSync, isEnumType, isInputObjectType, isObjectType, parse, validate } from "graphql";
import t from "tap";
import { GENERATIONS, loadSchema, VARIANTS } from "../../stand-ins/gitlab/schema.ts";

/** What a schema has of the types that Fettle introspects, read without an introspection. */
function membersOf(schema: GraphQLSchema): Set<string> {
  const names = Object.values(INTROSPECTED).flatMap((name) => {
    const type = schema.getType(name);
    if (isEnumType(type)) return type.getValues().map((value) => `${name}.${value.name}`);
    if (!isObjectType(type) && !isInputObjectType(type)) return [];
    return Object.keys(type.getFields()).map((field) => `${name}.${field}`);
  });
  return new Set(names);
}

for (const generation of [...GENERATIONS, ...VARIANTS]) {
  const schema = loadSchema(generation);
  const known = new GitlabSchema(generation, membersOf(schema));
  t.test(`GitLab ${generation} takes every document whose needs it meets`, async (t) => {
    const fitting = DOCUMENTS.filter(({ needs }) => needs.every((need) => known.has(need)));
    for (const { name, text } of fitting)
      t.same(validate(schema, parse(text)).map(String), [], `${name}, ${text.length} characters`);
    t.ok(known.pick(DOCUMENTS.filter(({ name }) => name === "FettleState")), "one of them reads the state");
  });
  t.test(`GitLab ${generation} is introspected as it is`, async (t) => {
    const answer = graphqlSync({ schema, source: SCHEMA.text, rootValue: { metadata: { version: generation } } });
    t.equal(answer.errors, undefined);
    const found = schemaFrom(answer.data);
    t.equal(found.version, generation);
    for (const member of membersOf(schema)) t.ok(found.has(member), member);
    t.notOk(found.has("DuoSettings.absent"));
  });
}

t.test("a document is refused where its needs are not met", async (t) => {
  const oldest = loadSchema("17.5");
  const known = new GitlabSchema("17.5", membersOf(oldest));
  for (const { name, text, needs } of DOCUMENTS.filter(({ needs }) => !needs.every((need) => known.has(need))))
    t.not(validate(oldest, parse(text)).length, 0, `${name}: ${must(needs[0], "a need")}`);
});
