import type { Migration } from "kysely/migration";
import { first } from "./0001-first.ts";
import { imageTracks } from "./0002-image-tracks.ts";
import { updates } from "./0003-updates.ts";
import { identity } from "./0004-identity.ts";
import { restores } from "./0007-restores.ts";
import { uninstalled } from "./0008-uninstalled.ts";
import { tokenMachine } from "./0009-token-machine.ts";
import { takenBack } from "./0010-taken-back.ts";

/** In order. A migration is never edited once it has shipped; a change is a new one. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001-first": first,
  "0002-image-tracks": imageTracks,
  "0003-updates": updates,
  "0004-identity": identity,
  "0007-restores": restores,
  "0008-uninstalled": uninstalled,
  "0009-token-machine": tokenMachine,
  "0010-taken-back": takenBack,
};
