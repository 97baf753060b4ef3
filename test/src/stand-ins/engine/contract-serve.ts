/** `serve` of the contract's image, on the stand-in's side. Whoever has read its line may stop it. */
import { createServer } from "node:http";

process.on("SIGTERM", () => process.exit(0));
createServer((_request, response) => response.end("served\n")).listen(
  Number(process.env.SERVE_PORT ?? 8080),
  process.env.SERVE_HOST,
);
process.stdout.write(`out ${process.env.CONTRACT}\n`);
process.stderr.write(`err ${process.env.CONTRACT}\n`);
