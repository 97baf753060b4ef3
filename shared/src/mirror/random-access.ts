/** A file that is read here and there, without being taken into memory. */
export interface RandomAccess {
  readonly size: number;
  /** Exactly these bytes; fewer only at the file's end. */
  read(offset: number, length: number): Promise<Uint8Array>;
}
