/** What wakes the loop. A call says only "look again"; it carries no state. */
export interface Watch {
  /**
   * Calls back when something in one of the folders or files changes, appears or goes, also when the path itself is
   * removed and made again (the parent is watched too). Returns what ends it.
   */
  files(paths: readonly string[], onChange: (path: string) => void): () => void;
  /** Calls back when one of the units changes its state. */
  units(names: readonly string[], onChange: (unit: string) => void): () => void;
}
