import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, lstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UnitError, type UnitState } from "@fettle/agent/system/units.ts";
import { readUnit, type UnitFile } from "./unit-file.ts";

export interface MachineOptions {
  /** Stands for `/`. */
  readonly root: string;
  /** What every process of this machine gets beside its unit's environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly onChange: (unit: string) => void;
}

const STOP_MS = 10_000;
const MAX_LINES = 5_000;

/** One unit of the sandbox's unit manager: a real child process with the unit's real environment. */
export class Unit {
  readonly name: string;
  readonly #options: MachineOptions;
  #loaded: UnitFile;
  #child: ChildProcess | null = null;
  #active: UnitState["active"] = "inactive";
  #sub = "dead";
  #result = "success";
  #restarts = 0;
  #exitStatus = 0;
  #wanted = false;
  /** A restart waits for the end of the old process. */
  #again = false;
  #timer: NodeJS.Timeout | null = null;
  readonly #lines: string[] = [];

  constructor(name: string, options: MachineOptions, file?: UnitFile) {
    this.name = name;
    this.#options = options;
    this.#loaded = file ?? readUnit(options.root, name);
  }

  get transient(): boolean {
    return this.#loaded.fragmentPath.startsWith("/run/transient/");
  }

  reload(): void {
    if (!this.transient) this.#loaded = readUnit(this.#options.root, this.name);
  }

  state(): UnitState {
    const now = this.transient ? this.#loaded : readUnit(this.#options.root, this.name);
    return {
      load: this.#child ? this.#loaded.load : now.load,
      active: this.#active,
      sub: this.#sub,
      result: this.#result,
      mainPid: this.#child?.pid ?? 0,
      restarts: this.#restarts,
      fragmentPath: this.#loaded.fragmentPath,
      dropIns: this.#loaded.dropIns,
      environment: Object.entries(this.#loaded.environment).map(([key, value]) => `${key}=${value}`),
      needReload: now.load === "loaded" && now.fingerprint !== this.#loaded.fingerprint,
      enabled: this.#enablement(now),
      exitStatus: this.#exitStatus,
    };
  }

  #enablement(now: UnitFile): string {
    if (now.load === "not-found") return "";
    if (now.load === "masked") return "masked";
    if (this.transient) return "transient";
    return this.isEnabled() ? "enabled" : "disabled";
  }

  isEnabled(): boolean {
    const wants = ["multi-user.target.wants", "default.target.wants"];
    return wants.some((folder) => exists(join(this.#options.root, "/etc/systemd/system", folder, this.name)));
  }

  async start(): Promise<void> {
    if (this.#child || this.#active === "activating" || this.#again) return;
    if (this.#loaded.load !== "loaded") this.reload();
    if (this.#loaded.load === "masked") throw new UnitError("refused", this.name, "UnitMasked");
    if (this.#loaded.load === "not-found") throw new UnitError("refused", this.name, "NoSuchUnit");
    this.#wanted = true;
    this.#restarts = 0;
    this.#spawn();
    if (this.#loaded.type === "oneshot" && this.#child) await this.#ended(this.#child);
  }

  async stop(): Promise<void> {
    this.#wanted = false;
    this.#again = false;
    if (this.#child) await this.#terminate(this.#child);
    else this.#down();
  }

  /** Nobody sees it down in between: what is to be started again is not inactive. */
  async restart(): Promise<void> {
    if (!this.#child) {
      this.#down();
      return this.start();
    }
    this.#wanted = false;
    this.#again = true;
    await this.#terminate(this.#child);
    if (!this.#again) return;
    this.#again = false;
    await this.start();
  }

  #down(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#set("inactive", "dead");
  }

  async #terminate(child: ChildProcess): Promise<void> {
    this.#set("deactivating", "stop-sigterm");
    signal(child, "SIGTERM");
    const hard = setTimeout(() => signal(child, "SIGKILL"), STOP_MS);
    await this.#ended(child);
    clearTimeout(hard);
  }

  journal(lines: number): readonly string[] {
    return this.#lines.slice(-lines);
  }

  /** The power is cut: nothing is told to anybody. */
  kill(): void {
    this.#wanted = false;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#child) signal(this.#child, "SIGKILL");
  }

  #spawn(): void {
    const [program = "", ...args] = this.#loaded.execStart;
    const { root, environment } = this.#options;
    const rooted = existsSync(join(root, program)) ? join(root, program) : program;
    const home = this.#loaded.user === "ollama" ? join(root, "/usr/share/ollama") : join(root, "/root");
    const given = { ...this.#loaded.environment, ...this.#fromFiles() };
    const env = { PATH: process.env.PATH ?? "", HOME: home, ...environment, ...given };
    const { standardInput } = this.#loaded;
    const input = standardInput === undefined ? "ignore" : openSync(standardInput, "r");
    const child = spawn(rooted, args, { env, cwd: root, detached: true, stdio: [input, "pipe", "pipe"] });
    if (typeof input === "number") closeSync(input);
    this.#child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#log(text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#log(text));
    child.on("error", (error) => this.#gone(child, 203, error.message));
    child.on("exit", (code, by) => this.#gone(child, code ?? 1, by ?? ""));
    this.#set(this.#loaded.type === "oneshot" ? "activating" : "active", "running");
  }

  #fromFiles(): Record<string, string> {
    const texts = this.#loaded.environmentFiles.map((path) => join(this.#options.root, path)).filter(existsSync);
    const lines = texts.flatMap((path) => readFileSync(path, "utf8").split("\n"));
    return Object.fromEntries(
      lines.flatMap((line) => [/^(\w+)=(.*)$/.exec(line)?.slice(1, 3) ?? []].filter((two) => two.length === 2)),
    );
  }

  #gone(child: ChildProcess, code: number, why: string): void {
    if (this.#child !== child) return;
    this.#child = null;
    this.#exitStatus = code;
    const clean = code === 0 || (!this.#wanted && why === "SIGTERM");
    this.#result = clean ? "success" : why === "" ? "exit-code" : "signal";
    if (this.#wanted && (this.#loaded.restart === "always" || (this.#loaded.restart === "on-failure" && !clean))) {
      this.#restarts += 1;
      this.#timer = setTimeout(() => this.#respawn(), this.#loaded.restartSec * 1_000);
      this.#set("activating", "auto-restart");
      return;
    }
    const remains = this.transient && this.#wanted;
    this.#wanted = false;
    if (this.#again) return;
    if (clean) this.#set(remains ? "active" : "inactive", remains ? "exited" : "dead");
    else this.#set("failed", "failed");
  }

  #respawn(): void {
    this.#timer = null;
    if (this.#wanted) this.#spawn();
  }

  #set(active: UnitState["active"], sub: string): void {
    this.#active = active;
    this.#sub = sub;
    this.#options.onChange(this.name);
  }

  #log(text: string): void {
    this.#lines.push(...text.split("\n").filter(Boolean));
    if (this.#lines.length > MAX_LINES) this.#lines.splice(0, this.#lines.length - MAX_LINES);
  }

  async #ended(child: ChildProcess): Promise<void> {
    while (this.#child === child) await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The whole process group, so that a wrapper's children go too. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (child.pid) process.kill(-child.pid, name);
  } catch {
    child.kill(name);
  }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
