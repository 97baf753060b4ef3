import type { Command } from "commander";

/** One word that may follow. */
export interface Word {
  readonly word: string;
  readonly means: string;
}

/** A place in the command line: after these commands, these may follow. */
export interface Place {
  /** As in `token create`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly Word[];
}

/** Options everywhere in the tree that take a value: what follows one of them is no command. */
export interface Tree {
  readonly places: readonly Place[];
  readonly valued: readonly string[];
}

const HELP = { word: "--help", means: "what it takes" };

export function treeOf(program: Command): Tree {
  const all: { path: string; command: Command }[] = [];
  const walk = (path: string, command: Command): void => {
    all.push({ path, command });
    for (const child of command.commands) walk(`${path} ${child.name()}`.trim(), child);
  };
  walk("", program);
  const own = program.options.flatMap(wordsOf);
  // Asked of the program alone: a command may mean something else by it.
  const general = own.filter(({ word }) => word !== "--version");
  const places = all.map(({ path, command }) => {
    const commands = command.commands.map((child) => ({ word: child.name(), means: child.description() }));
    return {
      path,
      commands,
      options: path === "" ? [...own, HELP] : [...command.options.flatMap(wordsOf), ...general, HELP],
    };
  });
  const valued = all.flatMap(({ command }) => command.options.filter(takesValue).flatMap(flagsOf));
  return { places, valued: [...new Set(valued)] };
}

type Option = Command["options"][number];

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => typeof flag === "string");
}

function wordsOf(option: Option): Word[] {
  return option.long === undefined || option.long === null ? [] : [{ word: option.long, means: option.description }];
}
