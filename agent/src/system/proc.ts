export interface Proc {
  /** The environment that a process was started with; null when there is no such process, or it has ended. */
  environ(pid: number): Promise<Readonly<Record<string, string>> | null>;
  /** The process and everything below it. */
  tree(pid: number): Promise<readonly number[]>;
  /** CPU time used so far, user and system, in ms; null when there is no such process. */
  cpuMs(pid: number): Promise<number | null>;
  /** How long ago the process was started, in ms; null when there is no such process. */
  ageMs(pid: number): Promise<number | null>;
  /** The command line, arguments joined by spaces, cut at 300 characters; never the environment. */
  command(pid: number): Promise<string | null>;
}
