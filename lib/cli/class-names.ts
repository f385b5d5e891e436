import { HistojetError } from '../index.js';

/** Most names that one comparison can tell apart: types of nuclei are bytes, and 0 is left free. */
const mostNames = 255;

/** Numbers for the names of classes, the same in every file that is read with them. */
export class ClassNames {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];

  /**
   * The number of a name, from 1 on.
   *
   * @throws {@link HistojetError} `HISTOJET_UNSUPPORTED_FORMAT` when there are more than 255 names
   */
  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.#names.length === mostNames) {
      throw new HistojetError('HISTOJET_UNSUPPORTED_FORMAT', `the files have more than ${mostNames} classes of nuclei`);
    }
    this.#names.push(name);
    this.#numbers.set(name, this.#names.length);
    return this.#names.length;
  }

  /** The name of a number that {@link ClassNames.numberOf} gave. */
  nameOf(number: number): string {
    return this.#names[number - 1] ?? '';
  }
}
