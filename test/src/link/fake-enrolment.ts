import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { CA_PATH, ENROL_PATH } from "@fettle/shared/api/enrol.ts";

export interface Received {
  readonly path: string;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** An operators' listener that knows enrolment alone; a test says what it answers and looks at what it was sent. */
export class FakeEnrolment {
  readonly received: Received[] = [];
  readonly #server: Server;
  ca: Reply;
  enrol: (body: Record<string, string>) => Promise<Reply> | Reply;

  constructor(tls: { cert: string; key: string }, ca: Reply, enrol: FakeEnrolment["enrol"]) {
    this.ca = ca;
    this.enrol = enrol;
    this.#server = createServer({ ...tls, minVersion: "TLSv1.3" }, (request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", async () => {
        this.received.push({ path: request.url ?? "", body });
        const reply = await this.#reply(request.url ?? "", body);
        const text = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body);
        response.writeHead(reply.status, { "content-type": "application/json" }).end(text);
      });
    });
  }

  #reply(path: string, body: string): Promise<Reply> | Reply {
    if (path === CA_PATH) return this.ca;
    return path === ENROL_PATH ? this.enrol(JSON.parse(body)) : { status: 404, body: {} };
  }

  async listen(): Promise<{ host: string; port: number; apiPort: number }> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    return { host: "127.0.0.1", port, apiPort: port };
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
