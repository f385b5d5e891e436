import { onAbort } from './abort.js';

/**
 * Results of `start(i)` for i in [0, count), in order, with at most `ahead` calls open at once. Leaving the loop early
 * aborts the open calls and waits for them.
 *
 * @param signal - the caller's signal; aborting it makes the open calls reject
 */
export async function* readAhead<Result>(
  count: number,
  ahead: number,
  signal: AbortSignal | undefined,
  start: (index: number, signal: AbortSignal) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const stop = new AbortController();
  signal?.throwIfAborted();
  const forget = signal && onAbort(signal, () => stop.abort(signal.reason));
  const open: Promise<Result>[] = [];
  let next = 0;
  const fill = (): void => {
    while (open.length < ahead && next < count) {
      const job = start(next++, stop.signal);
      job.catch(() => {}); // looked at when its turn comes, which may be after the loop was left
      open.push(job);
    }
  };
  try {
    fill();
    for (let job = open.shift(); job !== undefined; job = open.shift()) {
      const result = await job;
      fill();
      yield result;
    }
  } finally {
    forget?.();
    stop.abort();
    await Promise.allSettled(open);
  }
}
