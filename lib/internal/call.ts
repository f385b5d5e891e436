import { fromNative, isCancellation } from '../errors.js';
import { type CancelHandle, native } from '../native.js';
import { onAbort } from './abort.js';
import * as validate from './validate.js';

/**
 * Runs one native job. An aborted signal rejects with its reason; other failures become HistojetErrors.
 *
 * @param signal - stops the job: before it starts, or at its next check
 * @param job - starts the job with the cancel source that the signal sets
 */
export async function callNative<Result>(
  signal: AbortSignal | undefined,
  job: (cancel: CancelHandle | undefined) => Promise<Result>,
): Promise<Result> {
  validate.signal(signal);
  if (signal === undefined) {
    try {
      return await job(undefined);
    } catch (error) {
      throw fromNative(error);
    }
  }
  signal.throwIfAborted();
  const cancel = native.cancelSource();
  const forget = onAbort(signal, () => native.cancel(cancel));
  try {
    return await job(cancel);
  } catch (error) {
    if (isCancellation(error)) throw signal.reason;
    throw fromNative(error);
  } finally {
    forget();
  }
}

/** Runs a native function that answers at once; failures become HistojetErrors. */
export function callSync<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    throw fromNative(error);
  }
}

/** Names and values in turn, as native records arrive, as an object. */
export function recordOf(flat: readonly string[]): Readonly<Record<string, string>> {
  const entries: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) entries.push([flat[i] as string, flat[i + 1] as string]);
  return Object.freeze(Object.fromEntries(entries));
}
