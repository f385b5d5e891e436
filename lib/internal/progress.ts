import { native } from '../native.js';

/** How far a long call has come. */
export interface Progress {
  /** What is being done, for example `'segment'`. */
  readonly stage: string;
  /** Steps done. */
  readonly done: number;
  /** Steps in all; 0 while that is unknown. */
  readonly total: number;
  /** Steps per second since the start. */
  readonly rate: number;
  /** Seconds that the rest will take at this rate; Infinity while the rate is 0. */
  readonly etaSeconds: number;
  /** Resident memory of the process, in bytes. */
  readonly rssBytes: number;
}

/** Receives progress at most ten times a second. */
export type ProgressListener = (progress: Progress) => void;

const shortestGapMs = 100;

/** Turns counts into {@link Progress} and keeps the listener's pace. What a listener throws is reported as uncaught. */
export class ProgressMeter {
  readonly #stage: string;
  readonly #listener: ProgressListener | undefined;
  readonly #start = performance.now();
  #last = Number.NEGATIVE_INFINITY;

  constructor(stage: string, listener: ProgressListener | undefined) {
    this.#stage = stage;
    this.#listener = listener;
  }

  /**
   * Tells the listener, unless it was told less than 100 ms ago and the work is not finished. Steps that were
   * `restored` from an earlier run cost next to nothing and say nothing of the rate.
   */
  report(done: number, total: number, restored = 0): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    const now = performance.now();
    if (now - this.#last < shortestGapMs && done < total) return;
    this.#last = now;
    const seconds = (now - this.#start) / 1000;
    const rate = seconds > 0 ? Math.max(0, done - restored) / seconds : 0;
    const etaSeconds = rate > 0 ? Math.max(0, total - done) / rate : Number.POSITIVE_INFINITY;
    const progress: Progress = { stage: this.#stage, done, total, rate, etaSeconds, rssBytes: native.residentBytes() };
    try {
      listener(progress);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

/**
 * A function for work that goes through several stages and names them as it goes; undefined when nobody listens. Rate
 * and remaining time are those of the stage.
 */
export function stagedProgress(
  listener: ProgressListener | undefined,
): ((done: number, total: number, stage: string) => void) | undefined {
  if (listener === undefined) return undefined;
  let current = '';
  let meter: ProgressMeter | undefined;
  return (done, total, stage) => {
    if (meter === undefined || stage !== current) meter = new ProgressMeter(stage, listener);
    current = stage;
    meter.report(done, total);
  };
}
