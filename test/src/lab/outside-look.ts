import { ask } from "../sandbox/ask.ts";

/** Whether a plain GET from the machine itself is answered well. */
export async function answers(url: string): Promise<boolean> {
  return (await get(url)).status === 200;
}

/** What a plain GET brings; empty when nobody answers. */
export async function textOf(url: string): Promise<string> {
  return (await get(url)).text;
}

function get(url: string): Promise<{ status: number; text: string }> {
  const { hostname: host, port, pathname: path } = new URL(url);
  return ask({ host, port: Number(port || 80), path, method: "GET" }).catch(() => ({ status: 0, text: "" }));
}
