import type { Db } from "./database.ts";

/** X.Y of GitLab that `gateway.image: auto` stands for at one revision; latched when it is first known. */
export interface ImageTrackRow {
  stack: string;
  revision: number;
  track: string;
  at: number;
}

export class ImageTracks {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async get(stack: string, revision: number): Promise<string | null> {
    const row = await this.#db
      .selectFrom("image_tracks")
      .select("track")
      .where("stack", "=", stack)
      .where("revision", "=", revision)
      .executeTakeFirst();
    return row?.track ?? null;
  }

  /** The first word stands: a track of this revision that is there stays. */
  async latch(track: ImageTrackRow): Promise<void> {
    await this.#db
      .insertInto("image_tracks")
      .values(track)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}
