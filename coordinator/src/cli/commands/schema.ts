import { stackJsonSchema } from "@fettle/shared/stack/json-schema.ts";
import type { Declare } from "../command.ts";

/** For an editor: `fettle schema > stack.schema.json`. Needs no coordinator. */
export const schema: Declare = (program, act) => {
  program
    .command("schema")
    .description("The stack file's JSON Schema, for your editor")
    .action(
      act(async ({ out }) => {
        out.lines([JSON.stringify(stackJsonSchema, null, 2)]);
        return 0;
      }),
    );
};
