import * as z from "zod";

const settings = z
  .object({
    Env: z.array(z.string()).nullish(),
    Cmd: z.array(z.string()).nullish(),
    Entrypoint: z.array(z.string()).nullish(),
    User: z.string().nullish(),
    WorkingDir: z.string().nullish(),
  })
  .nullish();
const configuration = z.object({
  os: z.string(),
  architecture: z.string(),
  config: settings,
  rootfs: z.object({ diff_ids: z.array(z.string()).min(1) }),
});
const inspection = z.object({
  Os: z.string(),
  Architecture: z.string(),
  Config: settings,
  RootFS: z.object({ Layers: z.array(z.string()).min(1) }),
});

/** What an image is by its configuration: its layers' sums and what runs in it, as one text; null when it is none. */
export function contentOfConfiguration(bytes: Uint8Array): string | null {
  const found = configuration.safeParse(json(bytes));
  if (!found.success) return null;
  const { os, architecture, config, rootfs } = found.data;
  return contentOf(os, architecture, rootfs.diff_ids, config);
}

/** The same by what an Engine says of an image that it has. */
export function contentOfInspection(inspected: unknown): string | null {
  const found = inspection.safeParse(inspected);
  if (!found.success) return null;
  const { Os, Architecture, Config, RootFS } = found.data;
  return contentOf(Os, Architecture, RootFS.Layers, Config);
}

function contentOf(os: string, architecture: string, layers: string[], config: z.infer<typeof settings>): string {
  const { Env, Cmd, Entrypoint, User, WorkingDir } = config ?? {};
  const runs = [Env ?? [], Cmd ?? [], Entrypoint ?? [], User ?? "", WorkingDir ?? ""];
  return JSON.stringify([os, architecture, layers, ...runs]);
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
