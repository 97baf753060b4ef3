import assert from "node:assert/strict";
import { readFile } from "../host-files.ts";
import { type Asked, askedOfAws, askedOfGcp } from "./cloud-cli.ts";
import type { CloudLab } from "./cloud-lab.ts";
import type { Instance } from "./instance.ts";
import { wordsOf } from "./typed.ts";

/** What stands in capitals in the printed command, and in the page's. */
const own = { SUBNET: "subnet-0abc", GROUP: "sg-0abc", ZONE: "asia-northeast1-a" };

export type Written = { asked: Asked; script: string; token: string; said: string };

/** Types this at the coordinator as root, in root's home; what it printed beside is how to start the machine. */
export async function writeUserData({ coordinator }: CloudLab, typed: string): Promise<Written> {
  const { code, stderr: said } = await coordinator.exec(["sh", "-ec", `cd /root\n${typed}`]);
  assert.equal(code, 0, said);
  const printed = /^(aws|gcloud) [\s\S]*?[^\\]$/m.exec(said)?.[0];
  assert.ok(printed !== undefined, `no command of a cloud in:\n${said}`);
  const words = await wordsOf(printed, own);
  const asked = words[0] === "aws" ? askedOfAws(words) : askedOfGcp(words);
  const script = `${await readFile(coordinator, `/root/${asked.file}`)}\n`;
  const token = /printf %s '(fettle1\.[^']+)'/.exec(script)?.[1];
  assert.ok(token !== undefined, "no token in the user-data");
  return { asked, script, token, said };
}

/** For this node, without the page's words. */
export function userDataFor(lab: CloudLab, node: string, cloud: "aws" | "gcp", ...more: string[]): Promise<Written> {
  return writeUserData(
    lab,
    `fettle token create --node ${node} --cloud-init ${cloud} ${more.join(" ")} > fettle-${node}.sh`,
  );
}

/** What the cloud makes of it. */
export function instanceOf(
  { asked, script }: Written,
  cloud: Instance["cloud"],
  id: string,
  address: string,
): Instance {
  assert.ok(asked.address === null || asked.address === address, `${asked.name} is asked for at ${asked.address}`);
  return { cloud, id, name: asked.name, address, type: asked.type, script };
}
