import { callNative } from '../internal/call.js';
import { type ProgressListener, ProgressMeter } from '../internal/progress.js';
import * as validate from '../internal/validate.js';
import { native } from '../native.js';

/** See the option `grade` of {@link synthesizeSlide}. */
export type SyntheticGrade = 0 | 1 | 2;

/** One cell cluster of a graded synthetic slide: about a disc. */
export interface SyntheticCluster {
  /** Basophilic: tight, dark nuclei. Eosinophilic: large pink cells with pale nuclei. */
  readonly kind: 'basophilic' | 'eosinophilic';
  /** Centre, level-0 pixels. */
  readonly x: number;
  /** Centre, level-0 pixels. */
  readonly y: number;
  /** Level-0 pixels. */
  readonly radiusPx: number;
}

/** Options of {@link synthesizeSlide}. */
export interface SynthesizeOptions {
  /** Level-0 pixels. */
  readonly width: number;
  /** Level-0 pixels. */
  readonly height: number;
  /** Equal seeds give equal slides, byte for byte, on every machine. A whole number from 0 on. */
  readonly seed: number;
  /**
   * Micrometres per level-0 pixel; nuclei have natural sizes.
   * @defaultValue 0.25
   */
  readonly mpp?: number;
  /**
   * Share of the area that is tissue, 0 to 1.
   * @defaultValue 0.6
   */
  readonly tissue?: number;
  /**
   * A periodic picture whose tiles are stored once, so that a slide of 100 000 x 100 000 px stays small.
   * @defaultValue false
   */
  readonly repeat?: boolean;
  /**
   * A label of the whole slide that shows only in rare, far apart cell clusters: 0 none, 1 two to four clusters of one
   * kind, 2 as many of both kinds. Places and number are the same in grades 1 and 2 of a seed, and grade 0 shows the same
   * pixels as no grade, so that nothing but the clusters tells grades apart. Not with `repeat`.
   * @defaultValue no grade
   */
  readonly grade?: SyntheticGrade;
  /**
   * Where to write the true outlines as GeoJSON, one Feature a line; a path that ends in `.gz` is compressed. The
   * collection of a graded slide has the members `grade` and `clusters` (`kind`, `x`, `y`, `radius`; level-0 pixels).
   */
  readonly truth?: string;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called at most ten times a second; counts tiles. */
  readonly onProgress?: ProgressListener;
}

/** What {@link synthesizeSlide} wrote. */
export interface SynthesizedSlide {
  /** The slide. */
  readonly path: string;
  /** The outlines; null when they were not asked for. */
  readonly truth: string | null;
  /** How many nuclei the slide shows. */
  readonly nuclei: number;
  /** Size of the slide's file. */
  readonly fileBytes: number;
  /** What makes the grade; empty without a grade and in grade 0. */
  readonly clusters: readonly SyntheticCluster[];
}

const largestSidePx = 2 ** 31 - 1;

/**
 * Draws a slide that looks like H&E, with known nuclei: for demonstrations, tests and measurements. Writes a pyramidal
 * JPEG BigTIFF in bounded memory.
 *
 * @param path - the slide to write; has the suffix `.part` until it is complete
 * @throws {@link HistojetError} `HISTOJET_IO`; `HISTOJET_INVALID_ARGUMENT` when a graded slide has no room for two
 * clusters in tissue; TypeError, RangeError
 * @example
 * await synthesizeSlide('demo.tif', { width: 8192, height: 8192, seed: 1, truth: 'demo.geojson' });
 */
export async function synthesizeSlide(path: string, options: SynthesizeOptions): Promise<SynthesizedSlide> {
  validate.text('path', path);
  const { truth, repeat = false, signal, ...given } = validate.options('options', options);
  const params = {
    width: validate.integer('width', given.width, 1, largestSidePx),
    height: validate.integer('height', given.height, 1, largestSidePx),
    seed: validate.integer('seed', given.seed, 0),
    mpp: validate.optional('mpp', given.mpp, validate.positive),
    tissue: validate.optional('tissue', given.tissue, validate.number, 0, 1),
    repeat: validate.boolean('repeat', repeat),
    grade: validate.optional('grade', given.grade, validate.integer, 0, 2),
  };
  const truthPath = truth === undefined ? '' : validate.text('truth', truth);
  const listener = validate.callback('onProgress', given.onProgress);
  const meter = new ProgressMeter('synthesize', listener);
  const report = listener && ((done: number, total: number): void => meter.report(done, total));
  const written = await callNative(signal, (cancel) => native.synthesizeSlide(path, params, truthPath, report, cancel));
  return { path, truth: truth ?? null, ...written };
}

/** Names of the kinds of nuclei on synthetic slides, as the truth's classifications give them. */
export const syntheticKinds: readonly string[] = Object.freeze(native.syntheticKinds());
