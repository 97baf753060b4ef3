/** Where an archive's bytes come from. */
export interface ArchiveSource {
  /**
   * The bytes of the archive NAME from `offset` on. `status` is HTTP's: 200 begins anew, 206 goes on, 416 has nothing
   * left. Throws what the network says.
   */
  open(
    name: string,
    offset: number,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly chunks: AsyncIterable<Uint8Array>; close(): void }>;
}
