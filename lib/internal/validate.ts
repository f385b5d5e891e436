import { rangeError, typeError } from '../errors.js';

/** "a string", "an array", "null", … for messages. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'undefined';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return value.constructor?.name ? `a ${value.constructor.name}` : 'an object';
  if (typeof value === 'string') return `the string ${JSON.stringify(value.slice(0, 40))}`;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return `a ${typeof value}`;
}

/** `value` as a string that is not empty. */
export function text(name: string, value: unknown): string {
  if (typeof value !== 'string') throw typeError(`${name}: expected a string, got ${kindOf(value)}`);
  if (value === '') throw rangeError(`${name}: expected a string that is not empty`);
  if (value.includes('\0')) throw rangeError(`${name}: must not contain a null character`);
  return value;
}

/** `value` as a finite number within [min, max]. */
export function number(name: string, value: unknown, min = -Number.MAX_VALUE, max = Number.MAX_VALUE): number {
  if (typeof value !== 'number') throw typeError(`${name}: expected a number, got ${kindOf(value)}`);
  if (!(value >= min && value <= max)) throw rangeError(`${name}: expected ${range(min, max)}, got ${value}`);
  return value;
}

/** `value` as a number above 0. */
export function positive(name: string, value: unknown): number {
  if (typeof value !== 'number') throw typeError(`${name}: expected a number, got ${kindOf(value)}`);
  if (!(value > 0 && Number.isFinite(value))) throw rangeError(`${name}: expected a number above 0, got ${value}`);
  return value;
}

/** `value` as an integer within [min, max]. */
export function integer(
  name: string,
  value: unknown,
  min: number = Number.MIN_SAFE_INTEGER,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== 'number') throw typeError(`${name}: expected an integer, got ${kindOf(value)}`);
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw rangeError(`${name}: expected ${range(min, max, 'an integer')}, got ${value}`);
  }
  return value;
}

function range(min: number, max: number, what = 'a number'): string {
  const low = min > Number.MIN_SAFE_INTEGER ? ` from ${min}` : '';
  const high = max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : '';
  return low === '' && high === '' ? `${what} that is finite` : `${what}${low || ' from any'}${high || ' on'}`;
}

/** `value` as a boolean. */
export function boolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw typeError(`${name}: expected a boolean, got ${kindOf(value)}`);
  return value;
}

/** `value` as one of the words. */
export function oneOf<Word extends string>(name: string, value: unknown, words: readonly Word[]): Word {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  const expected = words.map((word) => `'${word}'`).join(' or ');
  const message = `${name}: expected ${expected}, got ${kindOf(value)}`;
  throw typeof value === 'string' ? rangeError(message) : typeError(message);
}

/** `value` as an options object; undefined gives an empty one. */
export function options<Options extends object>(name: string, value: Options | undefined): Options {
  if (value === undefined) return {} as Options;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw typeError(`${name}: expected an object, got ${kindOf(value)}`);
  }
  return value;
}

/** `check(name, value)`, or undefined when there is no value. */
export function optional<Value, Extra extends readonly unknown[]>(
  name: string,
  value: unknown,
  check: (name: string, value: unknown, ...extra: Extra) => Value,
  ...extra: Extra
): Value | undefined {
  return value === undefined ? undefined : check(name, value, ...extra);
}

/** Three numbers from 0 to 255. */
export function color(name: string, value: unknown): readonly [number, number, number] {
  if (!Array.isArray(value) || value.length !== 3) {
    throw typeError(`${name}: expected [red, green, blue], got ${kindOf(value)}`);
  }
  const [red, green, blue] = value.map((part, i) => integer(`${name}[${i}]`, part, 0, 255));
  return [red as number, green as number, blue as number];
}

/** A signal, or undefined. */
export function signal(value: unknown): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value;
  throw typeError(`signal: expected an AbortSignal, got ${kindOf(value)}`);
}

/** A function, or undefined. */
export function callback<Callback>(name: string, value: Callback | undefined): Callback | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw typeError(`${name}: expected a function, got ${kindOf(value)}`);
}
