import { type AuthorityAnswer, authorityRoute, rotateRoute } from "@fettle/shared/api/authority.ts";
import type { Declare } from "../command.ts";
import { time } from "../render/text.ts";
import type { Session } from "../session.ts";

export const ca: Declare = (program, act) => {
  const group = program.command("ca").description("The coordinator's own CA");
  group.command("status").description("Its ends, and how its rotation stands").action(act(status));
  group
    .command("rotate")
    .description("Replace it, step by step, as the agents follow; said again, it goes on with the one under way")
    .option("--without <node...>", "wait for these no longer: they will have to be enrolled again")
    .action(act(rotate));
};

async function status({ api, out }: Session): Promise<number> {
  return show(out, "authority", await api.call(authorityRoute, {}));
}

async function rotate({ api, out }: Session, { without = [] }: { without?: string[] }): Promise<number> {
  return show(out, "authority-rotation", await api.call(rotateRoute, { body: { without } }));
}

function show(out: Session["out"], name: string, answer: AuthorityAnswer): number {
  if (out.isJson) out.json(name, answer);
  else out.lines([...ends(answer), ...rotationLines(answer)]);
  return 0;
}

function ends({ root, rootEndsAt, issuerEndsAt, serverEndsAt, rootKeyHere, serverPin }: AuthorityAnswer): string[] {
  return [
    `root         ${root.slice(0, 16)}, until ${time(rootEndsAt)}, its key is ${rootKeyHere ? "on this coordinator" : "elsewhere"}`,
    `issuing CA   until ${time(issuerEndsAt)}`,
    `server       until ${time(serverEndsAt)}, pin ${serverPin}`,
  ];
}

const STEP = {
  distributing: "agents are told to trust the new root; it is used once each of them has it",
  renewing: "the new root is in use; the old one goes once each agent has a certificate of it",
} as const;

function rotationLines({ rotation }: AuthorityAnswer): string[] {
  if (rotation === null) return ["no rotation is under way"];
  const { phase, root, lacking, without } = rotation;
  return [
    `rotation to  ${root.slice(0, 16)}: ${STEP[phase]}`,
    lacking.length === 0 ? "nobody holds it up" : `waits for    ${lacking.join(", ")}`,
    ...(without.length === 0 ? [] : [`without      ${without.join(", ")}`]),
  ];
}
