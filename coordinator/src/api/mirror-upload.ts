import { mirrorUploadRoute } from "@fettle/shared/api/mirror.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { reads } from "./handler.ts";
import { isByteStream } from "./upload-body.ts";

/** A file as the body, however large: it goes to disk as it comes. What it is, a second request says. */
export const mirrorUpload = reads(mirrorUploadRoute, async ({ context, params, query, request, reply }) => {
  const { body } = request;
  if (!isByteStream(body))
    throw new FettleError("api.bad-request", { problem: "the body is no application/octet-stream" });
  try {
    await context.mirror.receive({ sha256: params.sha256, size: query.size }, body);
  } catch (error) {
    // What is still to come is not waited for.
    reply.header("connection", "close");
    throw error;
  }
  return { sha256: params.sha256, size: query.size };
});
