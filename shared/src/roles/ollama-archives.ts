/** The vendor's releases; an archive is `<source>/v<version>/<file name>`. */
export const OLLAMA_SOURCE = "https://github.com/ollama/ollama/releases/download";

export type OllamaArch = "x64" | "arm64";

/**
 * sha256 of the Linux archives that Fettle installs without a further line in agent.yaml, by version and machine. The
 * source of each is the `sha256sum.txt` of that release.
 */
export const OLLAMA_ARCHIVES: Readonly<Record<string, Readonly<Record<OllamaArch, string>>>> = {
  "0.32.15": {
    x64: "50539c5fe9bf85887733355098dcdb266b433cb8c73fa180713417e9ed6e42bb",
    arm64: "c898270b1690eab0f51aa9e9197686b7b4c6a7d88b83967763818f3127e477e9",
  },
};

/** The archive's file name in a release: zstd from 0.14.0 on. */
export function ollamaArchiveName(arch: OllamaArch): string {
  return `ollama-linux-${arch === "x64" ? "amd64" : "arm64"}.tar.zst`;
}
