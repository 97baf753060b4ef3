import { mirrorCheckRoute, mirrorRemoveRoute, mirrorRoute } from "@fettle/shared/api/mirror.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { MIRROR_KINDS } from "@fettle/shared/mirror/item.ts";
import type { Declare } from "../command.ts";
import { size, table, time } from "../render/text.ts";
import type { Session } from "../session.ts";
import { usage } from "../where.ts";
import { addAgent, addGateway, addOllama } from "./mirror-add.ts";
import { addModel } from "./mirror-add-model.ts";

export const mirror: Declare = (program, act) => {
  const group = program.command("mirror").description("What the coordinator serves where there is no internet");
  const add = group.command("add").description("Take something into the mirror, its sum checked");
  add
    .command("agent")
    .argument("<file>", "fettle-agent-VERSION-linux-ARCH.tar.gz; its .manifest lies beside it")
    .description("A release of the agent, to install and update from")
    .action(act(addAgent));
  add
    .command("ollama")
    .argument("<file>", "ollama-linux-ARCH.tar.zst of a release")
    .description("Ollama's archive")
    .requiredOption("--version <version>", "as in 0.32.15")
    .option("--arch <arch>", "x64 or arm64", "x64")
    .option("--sha256 <sum>", "from the release's sha256sum.txt, for a version that Fettle does not know")
    .action(act(addOllama));
  add
    .command("gateway")
    .argument("<file>", "written by docker save")
    .description("The gateway's image")
    .requiredOption("--reference <image>", "its name with the tag, as it was pulled")
    .option("--image-id <id>", "what `docker image inspect` says of it on the connected machine")
    .action(act(addGateway));
  add
    .command("model")
    .argument("<name>", "as in mistral:instruct")
    .description("A model out of an Ollama's models folder")
    .requiredOption("--from <path>", "that folder (with manifests and blobs), or a tar of it")
    .action(act((session: Session, name: string, { from }: { from: string }) => addModel(session, name, from)));
  group.command("list").description("What is in it").action(act(list));
  group
    .command("remove")
    .argument("<kind>", MIRROR_KINDS.join(" | "))
    .argument("<name>", "as the list shows it")
    .description("Take something out; files that others need stay")
    .action(act(remove));
  group.command("check").description("Read every file again and hold it against its sum").action(act(check));
};

async function list({ api, out }: Session): Promise<number> {
  const answer = await api.call(mirrorRoute, {});
  if (out.isJson) out.json("mirror", answer);
  else {
    const items = answer.items.map((one) => [
      one.kind,
      size(one.size),
      time(one.addedAt),
      one.sha256.slice(0, 12),
      one.name,
    ]);
    const releases = answer.releases.map((one) => [
      "agent",
      size(one.size),
      "",
      one.sha256.slice(0, 12),
      `${one.version}-${one.arch}`,
    ]);
    // A name is for `mirror remove`, so none is cut.
    out.lines(table(["KIND", "SIZE", "ADDED", "SHA256", "NAME"], [...releases, ...items], Number.POSITIVE_INFINITY));
    out.note(`${answer.folder}: ${size(answer.freeBytes)} free`);
  }
  return 0;
}

async function remove({ api, out }: Session, given: string, name: string): Promise<number> {
  const kind = MIRROR_KINDS.find((known) => known === given);
  if (kind === undefined) throw usage(`mirror remove takes ${MIRROR_KINDS.join(", ")}, not ${given}`);
  const answer = await api.call(mirrorRemoveRoute, { query: { kind, name } });
  if (out.isJson) out.json("mirror-removed", answer);
  else out.lines([`${kind} ${name} is out of the mirror: ${size(answer.freedBytes)} freed`]);
  return 0;
}

async function check({ api, out }: Session): Promise<number> {
  const answer = await api.call(mirrorCheckRoute, {});
  if (out.isJson) out.json("mirror-check", answer);
  else {
    out.lines(answer.damaged.map(({ sha256, problem, items }) => `${sha256}: ${problem} (${items.join(", ")})`));
    out.lines([`${answer.files - answer.damaged.length} of ${answer.files} files are whole: ${size(answer.bytes)}`]);
  }
  if (answer.damaged.length === 0) return 0;
  const names = [...new Set(answer.damaged.flatMap(({ items }) => items))].join(", ").slice(0, 300);
  throw new FettleError("mirror.damaged", { count: answer.damaged.length, names });
}
