import assert from "node:assert/strict";
import { assertSame, attempt, type InstallLab, type InstallStep, type Minted, stateOf } from "./bench.ts";

const INSTALLED = "/opt/fettle-agent";

/** On a machine that was installed: the same again, what was taken away, and what does not come up. */
export const again: InstallStep[] = [
  {
    name: "install.sh on an installed machine changes nothing and needs no token",
    async run(lab) {
      const script = await served(lab);
      const before = await stateOf(lab.ollama);
      for (const args of [[], ["--dry-run"]]) {
        const { code, said } = await attempt(lab.ollama, { script, args });
        assert.equal(code, 0, said);
        assert.match(said, /ollama-1 runs version .* is connected to its coordinator; nothing to do/);
      }
      assertSame(await stateOf(lab.ollama), before);
    },
  },
  {
    name: "install.sh puts back what is missing of an installation, without a token",
    async run(lab) {
      const script = await served(lab);
      const before = await stateOf(lab.ollama);
      const remove = `systemctl disable --now fettle-agent; rm /etc/systemd/system/fettle-agent.service /usr/local/bin/fettle-agent
        rm -r ${INSTALLED}; systemctl daemon-reload`;
      await lab.ollama.run(["sh", "-c", remove]);
      const { code, said } = await attempt(lab.ollama, { script });
      assert.equal(code, 0, said);
      const settled = (state: string): string =>
        state.replaceAll(/^.*\/var\/lib\/fettle-agent.*\n|^\S* .*service .*\n/gm, "");
      assertSame(settled(await stateOf(lab.ollama)), settled(before));
    },
  },
];

/** The machine's own name is taken once it is enrolled; the script is the same for all. */
async function served({ ollama, fettle }: InstallLab): Promise<string> {
  const made = await fettle.cli(["token", "create", "--node", "spare-1", "--role", "ollama", "--json"]);
  const { pin, url } = JSON.parse(made) as Minted;
  return `${await ollama.run(["curl", "-q", "-fsSk", "--pinnedpubkey", pin, url])}\n`;
}
