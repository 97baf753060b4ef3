import { compareVersions } from "@fettle/shared/lib/versions.ts";
import t from "tap";
import type { Files } from "../../system/files.ts";
import type { UnitState } from "../../system/units.ts";
import { environmentOnDisk } from "./environment-on-disk.ts";
import { durationMs } from "./go-duration.ts";
import { pullCode } from "./pull-error.ts";
import { addressOf } from "./running-version.ts";
import { dropInText, environmentOf } from "./unit-file.ts";

t.test("OLLAMA_HOST, as Ollama reads it", async (t) => {
  const cases: Record<string, string> = {
    "": "127.0.0.1:11434",
    "172.31.11.27": "172.31.11.27:11434",
    "172.31.11.27:8080": "172.31.11.27:8080",
    ' "10.0.0.1:1" ': "10.0.0.1:1",
    "http://10.0.0.1": "10.0.0.1:80",
    "https://10.0.0.1/path": "10.0.0.1:443",
    "http://10.0.0.1:11434": "10.0.0.1:11434",
    ":1234": "127.0.0.1:1234",
    "0.0.0.0": "127.0.0.1:11434",
    "[::]:99": "127.0.0.1:99",
    "::1": "[::1]:11434",
    "[fd00::5]": "[fd00::5]:11434",
    "[fd00::5]:8080": "[fd00::5]:8080",
    "10.0.0.1:99999": "10.0.0.1:11434",
    "10.0.0.1:x": "10.0.0.1:11434",
  };
  for (const [variable, address] of Object.entries(cases)) t.equal(addressOf(variable), address, variable);
});

t.test("versions by number, a candidate before its release", async (t) => {
  const rising = ["0.9.9", "0.17.0", "0.17.1-rc1", "0.17.1-rc2", "0.17.1", "0.32.15", "1.0.0"];
  for (const [index, version] of rising.entries()) {
    t.equal(compareVersions(version, version), 0);
    for (const later of rising.slice(index + 1)) {
      t.ok(compareVersions(version, later) < 0, `${version} < ${later}`);
      t.ok(compareVersions(later, version) > 0, `${later} > ${version}`);
    }
  }
  t.equal(compareVersions("0.0.0", "0.0"), 0);
});

t.test("durations as Go writes them, and plain seconds", async (t) => {
  const cases: Record<string, number | null> = { "5m": 300_000, "1h30m": 5_400_000, "1.5s": 1_500, "300": 300_000 };
  Object.assign(cases, { "-1": -1_000, "0": 0, "100ms": 100, "-5m": -300_000, "": null, "5 m": null, always: null });
  for (const [text, ms] of Object.entries(cases)) t.equal(durationMs(text), ms, text);
});

t.test("Environment= with its quotes, continuations and comments", async (t) => {
  const text = [
    "# Environment=NO=1",
    "[Service]",
    "Environment=\"A=1 2\" B=3 'C=4'",
    "Environment=D=5 \\",
    "  E=6",
    "ExecStart=/bin/x Environment=F=7",
    "Environment=",
    '  Environment = "G=a=b"',
  ].join("\n");
  const found = environmentOf(text).map(([key, value]) => `${key}=${value}`);
  t.same(found, ["A=1 2", "B=3", "C=4", "D=5", "E=6", "=", "G=a=b"]);
  const wanted = { OLLAMA_HOST: "[fd00::5]:11434", OLLAMA_KEEP_ALIVE: "-1" };
  t.same(Object.fromEntries(environmentOf(dropInText(wanted))), wanted, "what is written is what is read");
});

t.test("what the files give: by name over all folders, the nearest of a name, files last", async (t) => {
  const texts: Record<string, string> = {
    "/lib/unit": "Environment=A=unit B=unit C=unit D=unit\n",
    "/usr/lib/systemd/system/ollama.service.d/50.conf": "Environment=A=hidden\n",
    "/run/systemd/system/ollama.service.d/90.conf": "Environment=B=run\n",
    "/etc/systemd/system/ollama.service.d/50.conf": "Environment=B=etc C=etc\nEnvironmentFile=-/etc/default/ollama\n",
    "/etc/systemd/system/ollama.service.d/zz.txt": "Environment=A=no\n",
    "/etc/default/ollama": "# A=no\nC=\"file\"\nE = 'spaced'\n",
  };
  const files = {
    readText: async (path: string) => texts[path] ?? null,
    list: async (folder: string) =>
      Object.keys(texts).flatMap((path) => (path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : [])),
  } as unknown as Files;
  const found = await environmentOnDisk(files, { fragmentPath: "/lib/unit" } as UnitState);
  t.same(Object.fromEntries(found), { A: "unit", B: "run", C: "file", D: "unit", E: "spaced" });
});

t.test("how a pull ends, by its words", async (t) => {
  const cases: Record<string, string> = {
    "pull model manifest: file does not exist": "not-found",
    "pull model manifest: 412: \n\nThe model you are attempting to pull requires a newer version of Ollama.":
      "needs-newer",
    "write /usr/share/ollama/x-partial: no space left on device": "disk-full",
    'Get "https://registry.ollama.ai/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority':
      "tls",
    "dial tcp: lookup registry.ollama.ai on 127.0.0.53:53: no such host": "registry-unreachable",
    "max retries exceeded: net/http: TLS handshake timeout": "registry-unreachable",
    "read tcp 10.0.0.1:1->1.2.3.4:443: i/o timeout": "registry-unreachable",
    "http: no Location header in response": "registry-unfit",
    'realm host "a" does not match original host "b"': "registry-unfit",
    "this model requires MLX support, but the MLX runtime is not available": "unsupported",
    "digest mismatch, file must be downloaded again: want sha256:a, got sha256:b": "corrupt-part",
    EOF: "corrupt-part",
    "max retries exceeded: EOF": "corrupt-part",
    "remove /x/sha256-a-partial-3: no such file or directory": "corrupt-part",
    "something new": "pull-failed",
  };
  for (const [text, code] of Object.entries(cases)) t.equal(pullCode(text), `ollama.model.${code}`, text);
});
