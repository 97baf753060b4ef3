import { optionsFrom } from "./env.ts";
import { startGitlab } from "./start-gitlab.ts";

const gitlab = await startGitlab(optionsFrom(process.env));
process.stdout.write(`gitlab stand-in ${gitlab.world.store.state.version} listens at ${gitlab.url}\n`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    gitlab.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
