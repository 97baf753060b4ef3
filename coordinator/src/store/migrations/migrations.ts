import type { Migration } from "kysely/migration";
import { first } from "./0001-first.ts";

/** In order. A migration is never edited once it has shipped; a change is a new one. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001-first": first,
};
