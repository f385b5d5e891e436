import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Rect } from '../internal/rect.js';
import { UsageError } from './exit-codes.js';

type OptionTable = NonNullable<ParseArgsConfig['options']>;

/** Options of one command line by name, as texts and flags. */
export interface GivenArguments {
  readonly positionals: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}

/**
 * Splits arguments by the table of a command. Anything that the table does not name is refused.
 *
 * @throws UsageError
 */
export function splitArguments(command: string, args: readonly string[], options: OptionTable): GivenArguments {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    return { positionals, values: values as GivenArguments['values'] };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const sentence = text.split(/\. (?=To )|\n/, 1)[0] ?? text;
    throw new UsageError(sentence, `run \`histojet help ${command}\` for its options`);
  }
}

/** Checked access to the options of one command line. */
export class OptionReader {
  readonly #given: GivenArguments;

  constructor(given: GivenArguments) {
    this.#given = given;
  }

  flag(name: string): boolean {
    return this.#given.values[name] === true;
  }

  /** A text that is not empty. */
  text(name: string): string | undefined {
    const value = this.#given.values[name];
    if (typeof value !== 'string') return undefined;
    if (value === '') throw new UsageError(`--${name}: expected a value`);
    return value;
  }

  /** Texts of an option that may be given several times; none of them empty. */
  texts(name: string): readonly string[] {
    const values = this.#given.values[name];
    const texts = Array.isArray(values) ? (values as readonly string[]) : [];
    if (texts.includes('')) throw new UsageError(`--${name}: expected a value`);
    return texts;
  }

  /** Words with commas between them. */
  words<Word extends string>(name: string, words: readonly Word[]): readonly Word[] | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    return value.split(',').map((part) => {
      const found = words.find((word) => word === part.trim());
      if (found === undefined) throw new UsageError(`--${name}: expected ${words.join(', ')}; got ${part}`);
      return found;
    });
  }

  /** A number of bytes: `800MB`, `2GB`, `2GiB`, or plain. */
  bytes(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const parts = /^\s*(\d+(?:\.\d+)?)\s*(k|m|g|t)?(i)?b?\s*$/i.exec(value);
    const power = ['', 'k', 'm', 'g', 't'].indexOf(parts?.[2]?.toLowerCase() ?? '');
    const bytes = Math.floor(Number(parts?.[1]) * (parts?.[3] === undefined ? 1000 : 1024) ** power);
    if (parts === null || bytes < 1) {
      throw new UsageError(`--${name}: expected a number of bytes; got ${value}`, `for example --${name} 2GB`);
    }
    return bytes;
  }

  word<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const found = words.find((word) => word === value);
    if (found === undefined) throw new UsageError(`--${name}: expected ${words.join(', ')}; got ${value}`);
    return found;
  }

  /** A number from `least` on, or above it with `above`. */
  number(name: string, { least = 0, above = false }: { least?: number; above?: boolean } = {}): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (value.trim() === '' || !Number.isFinite(number) || (above ? number <= least : number < least)) {
      throw new UsageError(`--${name}: expected a number ${above ? 'above' : 'from'} ${least}; got ${value}`);
    }
    return number;
  }

  integer(name: string, least: number, most: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (value.trim() === '' || !Number.isSafeInteger(number) || number < least || number > most) {
      throw new UsageError(`--${name}: expected a whole number from ${least} to ${most}; got ${value}`);
    }
    return number;
  }

  /** `x,y,width,height` in whole level-0 pixels. */
  rect(name: string): Rect | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const parts = value.split(',');
    const [x, y, width, height] = parts.map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
    const whole = [x, y, width, height].every((part) => Number.isSafeInteger(part));
    if (parts.length !== 4 || !whole || (width as number) < 1 || (height as number) < 1) {
      throw new UsageError(
        `--${name}: expected x,y,width,height in whole level-0 pixels; got ${value}`,
        `for example --${name} 10000,8000,4096,4096`,
      );
    }
    return { x: x as number, y: y as number, width: width as number, height: height as number };
  }

  /** One positional argument or more. */
  positionals(command: string, what: string): readonly string[] {
    const { positionals } = this.#given;
    if (positionals.length > 0) return positionals;
    throw new UsageError(`${command}: ${what} is missing`, `run \`histojet help ${command}\` for its arguments`);
  }

  /** The one positional argument. */
  onlyPositional(command: string, what: string): string {
    const [first, second] = this.#given.positionals;
    const usage = `run \`histojet help ${command}\` for its arguments`;
    if (first === undefined) throw new UsageError(`${command}: ${what} is missing`, usage);
    if (second !== undefined) {
      throw new UsageError(`${command}: expected one ${what}, got ${this.#given.positionals.length}: ${second}`, usage);
    }
    return first;
  }

  /** The positional argument, or undefined when there is none. */
  optionalPositional(command: string, what: string): string | undefined {
    return this.#given.positionals.length === 0 ? undefined : this.onlyPositional(command, what);
  }

  /** Refuses positional arguments. */
  noPositional(command: string): void {
    const [first] = this.#given.positionals;
    if (first !== undefined) throw new UsageError(`${command}: takes no ${first}`);
  }
}
