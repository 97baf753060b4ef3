import assert from "node:assert/strict";
import { shorthand, type Value } from "./shorthand.ts";
import { one, optionsOf } from "./typed.ts";

/** A machine as a cloud's command line is asked for it. */
export type Asked = {
  name: string;
  type: string;
  /** GB. */
  disk: number;
  address: string | null;
  /** Name of the file that goes in as user-data or start-up script. */
  file: string;
  image: string;
};

/** Options of `aws ec2 run-instances`, from its reference, as far as the command prints them. */
const awsKnown = ["image-id", "instance-type", "block-device-mappings", "metadata-options", "subnet-id"].concat([
  ...["security-group-ids", "private-ip-address", "tag-specifications", "user-data"],
]);

/** What AWS is asked for; anything that its command line would not take is an error. */
export function askedOfAws(words: readonly string[]): Asked {
  assert.deepEqual(words.slice(0, 3), ["aws", "ec2", "run-instances"]);
  const options = optionsOf(words.slice(3), awsKnown);
  const mapping = shorthand(one(options, "block-device-mappings"));
  assert.deepEqual(Object.keys(mapping), ["DeviceName", "Ebs"]);
  const { VolumeSize, VolumeType, Encrypted } = mapping.Ebs as Record<string, Value>;
  assert.deepEqual([VolumeType, Encrypted], ["gp3", "true"]);
  const metadata = { HttpTokens: "required", HttpPutResponseHopLimit: "1", HttpEndpoint: "enabled" };
  assert.deepEqual(shorthand(one(options, "metadata-options")), metadata);
  assert.match(one(options, "subnet-id"), /^subnet-[0-9a-f]+$/);
  for (const group of options.get("security-group-ids") ?? []) assert.match(group, /^sg-[0-9a-f]+$/);
  const tags = shorthand(one(options, "tag-specifications"));
  assert.equal(tags.ResourceType, "instance");
  const [tag] = tags.Tags as { Key: string; Value: string }[];
  assert.equal(tag?.Key, "Name");
  return {
    name: tag.Value,
    type: one(options, "instance-type"),
    disk: Number(VolumeSize),
    address: options.has("private-ip-address") ? one(options, "private-ip-address") : null,
    file: /^file:\/\/(.+)$/.exec(one(options, "user-data"))?.[1] ?? "",
    image: `${one(options, "image-id")} ${String(mapping.DeviceName)}`,
  };
}

/** Options of `gcloud compute instances create`, from its reference; those without a value are flags. */
const gcpKnown = ["image-family", "image-project", "machine-type", "accelerator", "maintenance-policy"].concat([
  ...["boot-disk-size", "boot-disk-type", "zone", "subnet", "private-network-ip", "metadata-from-file"],
  ...["no-service-account", "no-scopes"],
]);

export function askedOfGcp(words: readonly string[]): Asked {
  assert.deepEqual(words.slice(0, 4), ["gcloud", "compute", "instances", "create"]);
  const options = optionsOf(words.slice(5), gcpKnown);
  for (const flag of ["no-service-account", "no-scopes"]) assert.deepEqual(options.get(flag), [], flag);
  assert.equal(one(options, "boot-disk-type"), "pd-balanced");
  // A machine with a GPU cannot be moved while it runs.
  if (options.has("accelerator")) {
    assert.equal(one(options, "accelerator"), "type=nvidia-tesla-t4,count=1");
    assert.equal(one(options, "maintenance-policy"), "TERMINATE");
  }
  for (const place of ["zone", "subnet"]) assert.notEqual(one(options, place), "");
  return {
    name: words[4] ?? "",
    type: one(options, "machine-type"),
    disk: Number(/^(\d+)GB$/.exec(one(options, "boot-disk-size"))?.[1]),
    address: options.has("private-network-ip") ? one(options, "private-network-ip") : null,
    file: /^startup-script=(.+)$/.exec(one(options, "metadata-from-file"))?.[1] ?? "",
    image: `${one(options, "image-project")}/${one(options, "image-family")}`,
  };
}
