import type { CommandOptions, CommandResult } from "./command.ts";
import { execute, run } from "./command.ts";
import type { LabConfig } from "./config.ts";
import { docker } from "./docker.ts";
import { containerName } from "./host-spec.ts";
import type { HostName } from "./layout.ts";
import { addressOf } from "./layout.ts";
import { until } from "./until.ts";

const bootIdFile = "/proc/sys/kernel/random/boot_id";

/** One machine of the lab, as its administrator has it: commands run in it as root. */
export class Host {
  readonly name: HostName;
  readonly address: string;
  readonly container: string;

  constructor(config: LabConfig, name: HostName) {
    this.name = name;
    this.address = addressOf(config.subnet, name);
    this.container = containerName(config, name);
  }

  /** Runs argv in the host. When time is over only the waiting ends: the command itself goes on in the host. */
  exec(argv: string[], options: CommandOptions = {}): Promise<CommandResult> {
    return execute(this.argv(argv, options), options);
  }

  /** Runs argv in the host and gives its trimmed output; an exit code other than 0 is an error. */
  run(argv: string[], options: CommandOptions = {}): Promise<string> {
    return run(this.argv(argv, options), options);
  }

  async start(): Promise<void> {
    await docker(["start", this.container]);
    await this.waitUntilUp();
  }

  /** Shuts systemd down as a power button does; whatever has not stopped after 30 s is cut off. */
  async stop(): Promise<void> {
    await docker(["stop", this.container]);
  }

  /** A reboot: every process ends, /run and /tmp are new, the boot id too; the disks are kept. Cuts are healed. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /**
   * As restart, but asked for from within, as an administrator does who types `reboot`. Waits until it is back: the
   * Engine brings a host back at once, later and later when it reboots again within 10 s.
   */
  async reboot(): Promise<void> {
    const before = await this.bootId();
    await this.exec(["systemctl", "--no-block", "reboot"], { timeoutMs: 5000 });
    await until(`${this.name} to be back`, 60_000, async () => {
      const now = await this.exec(["cat", bootIdFile], { timeoutMs: 5000 });
      return now.code === 0 && now.stdout.trim() !== before ? true : undefined;
    });
    await this.waitUntilUp();
  }

  bootId(): Promise<string> {
    return this.run(["cat", bootIdFile]);
  }

  /** Waits until systemd has finished starting, and gives its word: running, or degraded when a unit has failed. */
  waitUntilUp(timeoutMs = 60_000): Promise<string> {
    return until(`${this.name} to be up`, timeoutMs, async () => {
      const ask = ["systemctl", "is-system-running", "--wait"];
      const state = (await this.exec(ask, { timeoutMs: 10_000 })).stdout.trim();
      return state === "running" || state === "degraded" ? state : undefined;
    });
  }

  /** The unit's main process; "0" while it has none. */
  mainPid(unit: string): Promise<string> {
    return this.run(["systemctl", "show", "--property", "MainPID", "--value", unit]);
  }

  /** The last lines of the journal, of one unit or of all. */
  journal(unit?: string, lines = 200): Promise<string> {
    const units = unit === undefined ? [] : ["--unit", unit];
    return this.run(["journalctl", "--no-pager", "--output", "short-iso", "--lines", String(lines), ...units]);
  }

  private argv(argv: string[], options: CommandOptions): string[] {
    const env = Object.entries(options.env ?? {}).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
    const stdin = options.input === undefined ? [] : ["--interactive"];
    return ["docker", "exec", ...stdin, ...env, this.container, ...argv];
  }
}
