import { apiTokens, makeApiToken, revokeApiToken } from "./api-tokens.ts";
import { apply } from "./apply.ts";
import { approve } from "./approve.ts";
import { audit } from "./audit.ts";
import { authority, rotateAuthority } from "./authority.ts";
import { cancelUpdate } from "./cancel-update.ts";
import { diff } from "./diff.ts";
import { enrolmentTokens } from "./enrolment-tokens.ts";
import { eventStream } from "./event-stream.ts";
import { events } from "./events.ts";
import type { Handler } from "./handler.ts";
import { addToMirror, checkMirror, mirror, mirrorBlob, mirrorDrop, removeFromMirror } from "./mirror.ts";
import { mirrorUpload } from "./mirror-upload.ts";
import { node } from "./node.ts";
import { nodes } from "./nodes.ts";
import { pause } from "./pause.ts";
import { plan } from "./plan.ts";
import { readmitNode } from "./readmit-node.ts";
import { removeNode } from "./remove-node.ts";
import { repair } from "./repair.ts";
import { resource } from "./resource.ts";
import { resources } from "./resources.ts";
import { resume } from "./resume.ts";
import { run } from "./run.ts";
import { runLog } from "./run-log.ts";
import { runs } from "./runs.ts";
import { stack } from "./stack.ts";
import { startUpdate } from "./start-update.ts";
import { status } from "./status.ts";
import { update } from "./update.ts";

/** Every route of the operator's API. */
export const routes: readonly Handler[] = [
  status,
  stack,
  apply,
  plan,
  diff,
  nodes,
  node,
  removeNode,
  readmitNode,
  resources,
  resource,
  runs,
  run,
  runLog,
  events,
  eventStream,
  repair,
  approve,
  pause,
  resume,
  startUpdate,
  update,
  cancelUpdate,
  enrolmentTokens,
  makeApiToken,
  apiTokens,
  revokeApiToken,
  audit,
  authority,
  rotateAuthority,
  mirror,
  mirrorBlob,
  mirrorDrop,
  mirrorUpload,
  addToMirror,
  removeFromMirror,
  checkMirror,
];
