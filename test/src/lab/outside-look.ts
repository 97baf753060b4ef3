import type { Lab } from "./lab.ts";

/** What a plain GET from GitLab's machine brings; empty when it is not answered well. */
export async function textOf({ gitlab }: Lab, url: string): Promise<string> {
  const { code, stdout } = await gitlab.exec(["curl", "-sS", "--fail", "--max-time", "5", url]);
  return code === 0 ? stdout : "";
}

/** Whether a plain GET from GitLab's machine is answered well. */
export async function answers({ gitlab }: Lab, url: string): Promise<boolean> {
  return (await gitlab.exec(["curl", "-sS", "--fail", "--max-time", "5", "--output", "/dev/null", url])).code === 0;
}
