import { OLLAMA_ARCHIVES, type OllamaArch, ollamaArchiveName } from "@fettle/shared/roles/ollama-archives.ts";
import type { LocalPolicy } from "./local-policy.ts";

export interface OllamaArchive {
  readonly url: string;
  /** 64 hex digits. */
  readonly sha256: string;
}

/** Where the archive of a version is and what it must sum to; null when neither table nor agent.yaml knows the sum. */
export function ollamaArchive(version: string, arch: OllamaArch, policy: LocalPolicy): OllamaArchive | null {
  const sha256 = policy.ollama.archives[version]?.[arch] ?? OLLAMA_ARCHIVES[version]?.[arch];
  if (sha256 === undefined) return null;
  return { url: `${policy.ollama.source}/v${version}/${ollamaArchiveName(arch)}`, sha256 };
}
