import type { Service } from "@fettle/shared/lib/service.ts";
import type { Logger } from "pino";

/** Runs services side by side until the signal fires; one that ends or throws before that ends them all. */
export async function runServices(services: readonly Service[], logger: Logger, signal: AbortSignal): Promise<void> {
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  await Promise.all(
    services.map(async (service) => {
      try {
        await service.run(both);
        if (!both.aborted) throw new Error("it ended by itself");
      } catch (error) {
        if (both.aborted) return;
        logger.fatal({ err: error, service: service.id }, "service ended");
        failed.abort(error);
      }
    }),
  );
  if (failed.signal.aborted) throw failed.signal.reason;
}
