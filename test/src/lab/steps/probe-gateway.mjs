// The smallest thing with the gateway's two ports: what the lab's own checks run as its image.
import { createServer } from "node:http";

for (const port of [5052, 50052]) {
  createServer((_request, response) => response.end(`gateway ${process.getuid()} ${process.env.COLOUR}\n`)).listen(
    port,
  );
}
process.once("SIGTERM", () => process.exit(0));
