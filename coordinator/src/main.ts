import "@fettle/shared/lib/small-heap.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

try {
  // Loaded here and not above, so that the heap is set before there is anything in it.
  const [{ readEnv }, { readConfig }, { serve }] = await Promise.all([
    import("./env.ts"),
    import("./config.ts"),
    import("./serve.ts"),
  ]);
  await serve(readConfig(readEnv(process.env)), stop.signal);
} catch (error) {
  const remedy = error instanceof Error && "remedy" in error ? `\n${error.remedy}` : "";
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}${remedy}\n`);
  process.exitCode = 1;
}
