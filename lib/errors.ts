import { causeOf } from './internal/remote-causes.js';

/** Every code that a {@link HistojetError} can carry. */
export const errorCodes = [
  'HISTOJET_INVALID_ARGUMENT',
  'HISTOJET_SHAPE_MISMATCH',
  'HISTOJET_UNSUPPORTED_FORMAT',
  'HISTOJET_CORRUPT_FILE',
  'HISTOJET_IO',
  'HISTOJET_MISSING_WEIGHT',
  'HISTOJET_DEVICE_UNAVAILABLE',
  'HISTOJET_OUT_OF_MEMORY',
  'HISTOJET_DISPOSED',
  'HISTOJET_INTERNAL',
] as const;

/**
 * What went wrong, for programs; the message is for people.
 *
 * - `HISTOJET_INVALID_ARGUMENT`: a value that no call could accept (also on TypeError and RangeError)
 * - `HISTOJET_SHAPE_MISMATCH`: sizes that do not fit each other
 * - `HISTOJET_UNSUPPORTED_FORMAT`: a file of a kind that is not read
 * - `HISTOJET_CORRUPT_FILE`: a file that breaks the rules of its own format
 * - `HISTOJET_IO`: the system refused to open, read or write
 * - `HISTOJET_MISSING_WEIGHT`: a checkpoint without a tensor that the network needs
 * - `HISTOJET_DEVICE_UNAVAILABLE`: the wanted device is not there
 * - `HISTOJET_OUT_OF_MEMORY`: no memory for the result
 * - `HISTOJET_DISPOSED`: the object is closed
 * - `HISTOJET_INTERNAL`: a defect of this package; please report it
 */
export type HistojetErrorCode = (typeof errorCodes)[number];

/**
 * A failure with a code. Its `cause` is the native error, or the error of the system or the network.
 *
 * @example
 * try {
 *   await Slide.open('case-17.svs');
 * } catch (error) {
 *   if (error instanceof HistojetError && error.code === 'HISTOJET_CORRUPT_FILE') console.error(error.message);
 * }
 */
export class HistojetError extends Error {
  /** Always `'HistojetError'`. */
  override readonly name = 'HistojetError';
  /** What went wrong, for programs. */
  readonly code: HistojetErrorCode;

  /**
   * @param code - what went wrong, for programs
   * @param message - what was expected, what came, and where
   * @param options - the error that caused this one
   */
  constructor(code: HistojetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A TypeError or RangeError that carries a code as well. */
export type ArgumentError = (TypeError | RangeError) & {
  /** Always this one. */
  readonly code: 'HISTOJET_INVALID_ARGUMENT';
};

/** A value of the wrong type. */
export function typeError(message: string): ArgumentError {
  return Object.assign(new TypeError(message), { code: 'HISTOJET_INVALID_ARGUMENT' as const });
}

/** A value of the right type that is out of range. */
export function rangeError(message: string): ArgumentError {
  return Object.assign(new RangeError(message), { code: 'HISTOJET_INVALID_ARGUMENT' as const });
}

/** The failure of a call on a closed object. */
export function disposedError(what: string): HistojetError {
  return new HistojetError('HISTOJET_DISPOSED', `the ${what} is closed`);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Whether the native side rejected because it noticed a cancellation. */
export function isCancellation(error: unknown): boolean {
  return codeOf(error) === 'HISTOJET_CANCELLED';
}

/** A native error as a {@link HistojetError}; anything else as it is. */
export function fromNative(error: unknown): unknown {
  const code = codeOf(error);
  const known = errorCodes.find((candidate) => candidate === code);
  if (known === undefined || error instanceof HistojetError || !(error instanceof Error)) return error;
  return new HistojetError(known, error.message, { cause: causeOf(error.message) ?? error });
}
