import { resumeRoute } from "@fettle/shared/api/pause.ts";
import type { Declare } from "../command.ts";

export const resume: Declare = (program, act) => {
  program
    .command("resume")
    .argument("[scope]", "what was paused; default: the whole stack", "stack")
    .description("End a pause")
    .action(
      act(async ({ api, out, query }, scope: string) => {
        const answer = await api.call(resumeRoute, { query, body: { scope } });
        if (out.isJson) out.json("resume", answer);
        else out.lines([`${scope} goes on`]);
        return 0;
      }),
    );
};
