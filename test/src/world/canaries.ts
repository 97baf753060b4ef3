import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** A secret that a test knows, and where it may be. */
export interface Canary {
  readonly name: string;
  readonly value: string;
  /** Paths below the sandbox's folder, whole or beginnings. */
  readonly files: readonly string[];
  /** Words of a command line whose process may have it in its environment. */
  readonly environments?: readonly string[];
}

/** As it is, and as it looks in what programs make of texts. */
function formsOf({ value }: Canary): string[] {
  const bytes = Buffer.from(value);
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    bytes.toString("hex"),
    bytes.toString("base64"),
  ];
}

export function findIn(text: string | Buffer, canary: Canary): boolean {
  return formsOf(canary).some((form) => text.includes(form));
}

/** Every file below the folder, byte for byte, and every value of every SQLite database: where the canary should not be. */
export function findInFiles(folder: string, canaries: readonly Canary[]): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
    const bytes = readFileSync(join(folder, path));
    const text = entry.name.endsWith(".db") ? valuesOf(join(folder, path)) : "";
    for (const canary of canaries) {
      if (canary.files.some((allowed) => path === allowed || path.startsWith(`${allowed}/`))) continue;
      if (findIn(bytes, canary) || findIn(text, canary)) found.push(`${canary.name} in ${path}`);
    }
  }
  return found;
}

function valuesOf(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    return tables.map(({ name }) => JSON.stringify(database.prepare(`SELECT * FROM "${name}"`).all())).join("\n");
  } finally {
    database.close();
  }
}

interface SeenProcess {
  readonly argv: string;
  readonly environment: string;
}

/** Every process of this computer that lives for more than a moment, with its command line and environment. */
export class ProcessWatch {
  readonly #seen = new Map<string, SeenProcess>();
  readonly #timer: NodeJS.Timeout;

  constructor(everyMs = 25) {
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  /** Where a canary was on a command line or in an environment, and should not have been. */
  stop(canaries: readonly Canary[]): string[] {
    this.#look();
    clearInterval(this.#timer);
    return [...this.#seen.values()].flatMap(({ argv, environment }) =>
      canaries.flatMap((canary) => {
        if (findIn(argv, canary)) return [`${canary.name} on a command line: ${argv.slice(0, 200)}`];
        const allowed = canary.environments?.some((word) => argv.includes(word)) ?? false;
        return !allowed && findIn(environment, canary)
          ? [`${canary.name} in the environment of ${argv.slice(0, 200)}`]
          : [];
      }),
    );
  }

  get size(): number {
    return this.#seen.size;
  }

  #look(): void {
    for (const pid of readdirSync("/proc")) {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
      const argv = read(`/proc/${pid}/cmdline`);
      const environment = read(`/proc/${pid}/environ`);
      if (argv !== "") this.#seen.set(`${pid} ${argv} ${environment.length}`, { argv, environment });
    }
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
