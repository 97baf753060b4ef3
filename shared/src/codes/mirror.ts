import type { CodeFile } from "./code.ts";

/** What the coordinator serves in place of the internet. */
export const mirrorCodes = {
  "mirror.disk-full": {
    severity: "critical",
    cause: "{needed} are needed in {folder} on the coordinator's machine, and {free} are free.",
    remedy: "Free space there or enlarge the disk, or take something out of the mirror: `fettle mirror list`.",
    status: 507,
  },
  "mirror.sum-differs": {
    severity: "critical",
    cause: "{what} is not what it should be: its sha256 is {found}, expected is {wanted}.",
    remedy: "Fetch it again on the connected machine, compare its sum there, and carry it over once more.",
    status: 422,
  },
  "mirror.upload-cut": {
    severity: "warning",
    cause: "The upload ended after {got} of {wanted} bytes: {problem}. Nothing of it was kept.",
    remedy: "Run the command again.",
    status: 400,
    retryable: true,
  },
  "mirror.no-blob": {
    severity: "warning",
    cause: "The mirror has no file with the sha256 {sha256}, which {what} needs.",
    remedy: "Add it again, with the whole folder or archive; docs/offline.md has the commands.",
    status: 409,
  },
  "mirror.not-there": {
    severity: "warning",
    cause: "The mirror has no {kind} {name}.",
    remedy: "`fettle mirror list` shows what there is.",
    status: 404,
  },
  "mirror.full": {
    severity: "warning",
    cause: "The mirror holds {most} things already, which is all that agents are told of.",
    remedy: "Take out what nothing needs any more: `fettle mirror list`, `fettle mirror remove model NAME`.",
    status: 409,
  },
  "mirror.bad-agent": {
    severity: "warning",
    cause: "That is no release of the agent: {problem}.",
    remedy:
      "Give the archive fettle-agent-VERSION-linux-ARCH.tar.gz with its FILE.manifest beside it, both as they were built.",
    status: 422,
  },
  "mirror.bad-image": {
    severity: "critical",
    cause: "The archive is not the image {reference}, and nothing else: {problem}.",
    remedy:
      "Save exactly this image on the connected machine, by its name and not by its id: `docker pull --platform linux/amd64 {reference} && docker save -o FILE.tar {reference}`.",
    status: 422,
  },
  "mirror.bad-model": {
    severity: "warning",
    cause: "{from} does not hold the whole model {name}: {problem}.",
    remedy:
      "Pull it with an Ollama on the connected machine (`ollama pull {name}`) and carry its whole models folder (manifests and blobs) over.",
    status: 422,
  },
  "mirror.no-sum": {
    severity: "warning",
    cause: "Fettle knows no sum for the archive of Ollama {version} for {arch}.",
    remedy:
      "Take it from the release's sha256sum.txt and give it with `--sha256`; agents need the same under `policy.ollama.archives` of their agent.yaml.",
  },
  "mirror.damaged": {
    severity: "critical",
    cause: "{count} of the files in the mirror are missing or not what they were: {names}.",
    remedy: "Add them again, as docs/offline.md says; until then agents refuse them. Look at the disk's health, too.",
  },
  "mirror.unreadable": {
    severity: "critical",
    cause: "The mirror's list {path} cannot be read: {problem}.",
    remedy:
      "Bring it back from a copy; or move the mirror's whole folder away, start the coordinator, and fill the mirror again.",
  },
  "mirror.away": {
    severity: "warning",
    cause: "The coordinator's mirror does not give {what}: {problem}.",
    remedy: "Nothing, if the coordinator is away; else `fettle mirror list` and `fettle mirror check` there.",
    retryable: true,
  },
} as const satisfies CodeFile;
