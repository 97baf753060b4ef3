import type { Command } from "commander";
import type { Session } from "./session.ts";

/** Does the work of one command; the number is the exit status. */
export type Work<Arguments extends readonly unknown[]> = (session: Session, ...given: Arguments) => Promise<number>;

/** Turns a command's work into what commander calls; the session is made when it is known what was asked. */
export type Act = <Arguments extends readonly unknown[]>(
  work: Work<Arguments>,
) => (...given: Arguments) => Promise<void>;

/** One command: puts itself on the program. */
export type Declare = (program: Command, act: Act) => void;
