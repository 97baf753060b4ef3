import * as z from "zod";

export const LOG_SOURCES = ["ollama", "gateway", "gitlab-llm", "gitlab-sidekiq", "agent"] as const;

/** Read-only questions, a closed list; 30 s deadline, one at a time per kind. */
export const ask = z.discriminatedUnion("kind", [
  z.object({
    id: z.string().max(64),
    kind: z.literal("plan"),
    params: z.object({ roles: z.record(z.string().max(40), z.unknown()) }),
  }),
  z.object({
    id: z.string().max(64),
    kind: z.literal("probe"),
    params: z.object({ host: z.string().max(255), port: z.number().int().min(1).max(65535) }),
  }),
  z.object({
    id: z.string().max(64),
    kind: z.literal("tail"),
    params: z.object({ source: z.enum(LOG_SOURCES), lines: z.number().int().min(1).max(2000) }),
  }),
]);
export type Ask = z.infer<typeof ask>;
export const ASK_DEADLINE_MS = 30_000;
