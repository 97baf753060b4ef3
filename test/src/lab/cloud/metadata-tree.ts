/** What a metadata service tells: texts at paths. */
export type Tree = { [name: string]: Tree | string };

/** What is at a path: a text, a folder, or nothing. */
export function at(tree: Tree, path: string): Tree | string | undefined {
  let found: Tree | string | undefined = tree;
  for (const name of path.split("/").filter((part) => part !== "")) {
    if (found === undefined || typeof found === "string" || !Object.hasOwn(found, name)) return undefined;
    found = found[name];
  }
  return found;
}

/** A folder as both clouds list it: a name a line, folders with a stroke. */
export function listing(folder: Tree): string {
  return Object.entries(folder)
    .map(([name, what]) => (typeof what === "string" ? name : `${name}/`))
    .join("\n");
}
