/** What is used of node-pty: the distribution with its binaries declares its types under that distribution's name. */
declare module "node-pty" {
  export interface Terminal {
    readonly pid: number;
    onData(listener: (text: string) => void): unknown;
    onExit(listener: (end: { exitCode: number; signal?: number }) => void): unknown;
  }

  export interface SpawnOptions {
    readonly name: string;
    readonly cols: number;
    readonly rows: number;
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
  }

  export function spawn(file: string, args: readonly string[], options: SpawnOptions): Terminal;
}
