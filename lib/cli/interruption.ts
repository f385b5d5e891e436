import { exitCodes, Interruption } from './exit-codes.js';

/** What {@link withInterruption} listens to; `process` is such. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): never;
}

/**
 * Runs work with a signal that the first Ctrl-C (or SIGTERM) aborts with an {@link Interruption}, so that it can finish
 * its files; the second one ends the process at once.
 */
export async function withInterruption<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  source: SignalSource = process,
): Promise<Result> {
  const controller = new AbortController();
  const listen = (name: 'SIGINT' | 'SIGTERM', exitCode: number) => {
    const listener = (): void => {
      if (controller.signal.aborted) source.exit(exitCode);
      controller.abort(new Interruption(name));
    };
    source.on(name, listener);
    return () => source.off(name, listener);
  };
  const removers = [listen('SIGINT', exitCodes.interrupted), listen('SIGTERM', exitCodes.terminated)];
  try {
    return await work(controller.signal);
  } finally {
    for (const remove of removers) remove();
  }
}
