import { HistojetError } from '../errors.js';
import { onAbort } from '../internal/abort.js';
import { callNative, callSync } from '../internal/call.js';
import { type ProgressListener, ProgressMeter } from '../internal/progress.js';
import { type NativeStep, native, type RunHandle } from '../native.js';
import { type NucleusList, wrapNuclei } from '../nuclei/nucleus-list.js';

/** How far a {@link SlideSegmentation} has come. */
export interface SegmentationProgress {
  /** Windows of the slide whose nuclei were delivered, or that hold none. */
  readonly windowsDone: number;
  /** Windows in all; 0 until the tissue is known. */
  readonly windowsTotal: number;
  /** Windows that an earlier run had finished, from `checkpointDir`. */
  readonly windowsRestored: number;
  /** Nuclei delivered. */
  readonly nuclei: number;
}

/** What {@link SlideSegmentation} needs from the model that starts it. */
export interface SegmentationSetup {
  /** Starts the native run. */
  readonly start: () => RunHandle;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ProgressListener | undefined;
}

let create: (setup: SegmentationSetup) => SlideSegmentation;

/**
 * Nuclei of a whole slide, batch by batch in raster order, each nucleus once. Work begins with the loop and runs ahead
 * of it by a bounded number of windows; leaving the loop cancels and waits. It can be looped over once.
 */
export class SlideSegmentation implements AsyncIterable<NucleusList> {
  readonly #setup: SegmentationSetup;
  #run: RunHandle | null = null;
  #started = false;
  #progress: SegmentationProgress = { windowsDone: 0, windowsTotal: 0, windowsRestored: 0, nuclei: 0 };

  static {
    create = (setup) => new SlideSegmentation(setup);
  }

  private constructor(setup: SegmentationSetup) {
    this.#setup = setup;
  }

  /** Notes for the user: a slide that is resampled, damaged tiles that were painted over. */
  get warnings(): readonly string[] {
    return this.#run === null ? [] : native.runWarnings(this.#run);
  }

  /** How far it has come. */
  get progress(): SegmentationProgress {
    return this.#progress;
  }

  /** The batches; those without nuclei are left out. */
  async *[Symbol.asyncIterator](): AsyncGenerator<NucleusList, void, undefined> {
    if (this.#started) {
      throw new HistojetError('HISTOJET_INVALID_ARGUMENT', 'a segmentation can be looped over once; start another one');
    }
    this.#started = true;
    const { start, signal, onProgress } = this.#setup;
    signal?.throwIfAborted();
    const run = callSync(start);
    this.#run = run;
    const stop = (): void => native.runStop(run);
    const forget = signal && onAbort(signal, stop);
    let finished = false;
    try {
      const meter = new ProgressMeter('segment', onProgress);
      for (;;) {
        const step = await this.#next(run, signal);
        const { windowsDone, windowsTotal, windowsRestored } = step;
        this.#progress = { windowsDone, windowsTotal, windowsRestored, nuclei: step.nuclei };
        meter.report(windowsDone, windowsTotal, windowsRestored);
        if (step.batch === undefined) break;
        const nuclei = wrapNuclei(step.batch);
        if (nuclei.length > 0) yield nuclei;
      }
      finished = true;
    } finally {
      forget?.();
      if (!finished) {
        stop();
        await native.runNext(run).catch(() => {}); // rejects when the windows in flight have stopped
      }
    }
  }

  async #next(run: RunHandle, signal: AbortSignal | undefined): Promise<NativeStep> {
    try {
      return await callNative(undefined, () => native.runNext(run));
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }
}

/** A segmentation that has not begun. */
export function createSegmentation(setup: SegmentationSetup): SlideSegmentation {
  return create(setup);
}
