import type { Exec } from "../../../system/exec.ts";

/** One package as the sources offer it. */
export interface Offer {
  readonly name: string;
  readonly version: string;
  /** Patterns of the hardware that it is for; empty where the source does not say. */
  readonly modaliases: readonly string[];
}

const LOOK_MS = 30_000;
const MAX_BYTES = 8 * 1024 * 1024;

/** What apt and dpkg know of packages. Reads only. */
export class AptLook {
  readonly #exec: Exec;

  constructor(exec: Exec) {
    this.#exec = exec;
  }

  async available(): Promise<boolean> {
    return (await this.#exec.find("apt-get")) !== null && (await this.#exec.find("apt-cache")) !== null;
  }

  async search(pattern: string): Promise<string[]> {
    const text = await this.#run(["apt-cache", "search", "--names-only", pattern]);
    return text.split("\n").flatMap((line) => /^(\S+) - /.exec(line)?.[1] ?? []);
  }

  async offers(names: readonly string[]): Promise<Offer[]> {
    if (names.length === 0) return [];
    const text = await this.#run(["apt-cache", "show", "--no-all-versions", ...names]);
    return text.split(/\n\n+/).flatMap(offerOf);
  }

  /** Of these names, those that could be installed now. */
  async candidates(names: readonly string[]): Promise<Set<string>> {
    if (names.length === 0) return new Set();
    const text = await this.#run(["apt-cache", "policy", ...names]);
    const found = text.matchAll(/^(\S+):\n {2}Installed: .*\n {2}Candidate: (.*)$/gm);
    return new Set([...found].flatMap(([, name = "", version]) => (version === "(none)" ? [] : [name])));
  }

  /** Of these patterns of names, those that are installed. Fails with code 1 where none is, which says nothing. */
  async installed(patterns: readonly string[]): Promise<Set<string>> {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: these are dpkg-query's placeholders.
    const argv = ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\\n", ...patterns];
    const text = await this.#run(argv);
    return new Set(text.split("\n").flatMap((line) => /^installed (\S+)$/.exec(line)?.[1] ?? []));
  }

  /** The versions of what is installed under these patterns of names. */
  async versions(patterns: readonly string[]): Promise<string[]> {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: these are dpkg-query's placeholders.
    const argv = ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}\\n", ...patterns];
    return (await this.#run(argv)).split("\n").flatMap((line) => /^installed (\S+)$/.exec(line)?.[1] ?? []);
  }

  async held(): Promise<Set<string>> {
    return new Set((await this.#run(["apt-mark", "showhold"])).split("\n").filter((name) => name !== ""));
  }

  /** The packages that installing these would remove. */
  async wouldRemove(names: readonly string[]): Promise<string[]> {
    const text = await this.#run(["apt-get", "--simulate", "--no-install-recommends", "install", ...names]);
    return text.split("\n").flatMap((line) => /^Remv (\S+)/.exec(line)?.[1] ?? []);
  }

  /** The package that a file came from; null when from none. */
  async ownerOf(path: string): Promise<string | null> {
    const text = await this.#run(["dpkg-query", "--search", path]);
    return /^(?!diversion )([^:\n]+)(?::[a-z0-9]+)?: /m.exec(text)?.[1] ?? null;
  }

  async #run(argv: readonly string[]): Promise<string> {
    if ((await this.#exec.find(argv[0] ?? "")) === null) return "";
    return (await this.#exec.run(argv, { timeoutMs: LOOK_MS, maxBytes: MAX_BYTES })).stdout;
  }
}

function offerOf(record: string): Offer[] {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(record)?.[1];
  const [name, version] = [field("Package"), field("Version")];
  if (name === undefined || version === undefined) return [];
  return [{ name, version, modaliases: patternsOf(field("Modaliases") ?? "") }];
}

/** `module(pattern, pattern), module(pattern)`. */
function patternsOf(text: string): string[] {
  return [...text.matchAll(/\(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(/,\s*/)).filter((one) => one !== "");
}
