/** The process on 50052, as far as a probe sees it: gRPC over cleartext HTTP/2 with the standard health service. */
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";

const SERVING = 1;
const NOT_SERVING = 2;
const NOT_FOUND = 5;
const UNAUTHENTICATED = 16;

/** Names under which the health is known; the empty one is the server as a whole. */
const SERVICES = ["", "DuoWorkflow"];

export function createWorkflowServer(notServing: () => boolean): Http2Server {
  const server = createServer();
  server.on("stream", (stream, headers) => {
    stream.on("error", () => stream.destroy());
    if (headers[":path"] !== "/grpc.health.v1.Health/Check") {
      stream.resume();
      finish(stream, UNAUTHENTICATED, "No authorization header presented");
      return;
    }
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => check(stream, Buffer.concat(chunks), notServing()));
  });
  return server;
}

function check(stream: ServerHttp2Stream, request: Buffer, notServing: boolean): void {
  if (!SERVICES.includes(serviceIn(request))) {
    finish(stream, NOT_FOUND, "unknown service");
    return;
  }
  const status = notServing ? NOT_SERVING : SERVING;
  // Frame: not compressed, length 2; message: field 1 as a varint.
  finish(stream, 0, "", Buffer.from([0, 0, 0, 0, 2, 8, status]));
}

/** The message after the five bytes of its frame: field 1, a length of one byte, the name. */
function serviceIn(request: Buffer): string {
  return request.length > 7 ? request.subarray(7).toString("utf8") : "";
}

function finish(stream: ServerHttp2Stream, status: number, message: string, frame?: Buffer): void {
  const trailers = { "grpc-status": String(status), ...(message === "" ? {} : { "grpc-message": message }) };
  if (frame === undefined) {
    stream.respond({ ":status": 200, "content-type": "application/grpc", ...trailers }, { endStream: true });
    return;
  }
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(frame);
}
