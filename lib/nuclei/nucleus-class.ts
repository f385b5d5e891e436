/** Name and colour of one class of nuclei. */
export interface NucleusClass {
  /** What users see. */
  readonly name: string;
  /** Red, green, blue, 0 to 255. */
  readonly color: readonly [number, number, number];
}
