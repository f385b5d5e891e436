import { typeError } from '../errors.js';
import type { ProgressListener } from '../internal/progress.js';
import { checkRect, type Rect } from '../internal/rect.js';
import * as validate from '../internal/validate.js';
import type { NativeSegment, NativeSegmentSlide } from '../native.js';
import {
  checkMinArea,
  checkPostprocess,
  type MinArea,
  type PostprocessOptions,
} from '../nuclei/postprocess-options.js';
import { checkTissueMask } from '../slide/check-tissue.js';
import type { TissueMask } from '../slide/slide-types.js';

/** Which stain the picture shows; `'ihc-dab'` keeps the haematoxylin alone. */
export type Stain = 'he' | 'ihc-dab';

/** Options of {@link HoverFast.segment} and {@link HoverNet.segment}. */
export interface SegmentOptions extends Omit<PostprocessOptions, 'minArea'> {
  /**
   * Smallest nucleus, in pixels at the network's resolution or in square micrometres.
   * @defaultValue the variant's own: 10 px (HoVer-Net), 85 px (HoverFast)
   */
  readonly minArea?: MinArea;
  /**
   * Pictures: their own micrometres per pixel; another resolution than the network's is resampled for it.
   * Slides: the resolution that the network works at.
   * @defaultValue the network's own; a plain picture is taken to have it, with a warning
   */
  readonly mpp?: number;
  /**
   * Which stain the picture shows.
   * @defaultValue 'he'
   */
  readonly stain?: Stain;
  /**
   * Measures each nucleus, see {@link NucleusList.measurements}: shape of its outline and optical density of its stains.
   * @defaultValue false
   */
  readonly measure?: boolean;
  /** Stops the call; the promise or loop rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options of {@link HoverFast.segmentSlide} and {@link HoverNet.segmentSlide}. */
export interface SegmentSlideOptions extends SegmentOptions {
  /**
   * Works where there is tissue only: by this mask, or (true) by the one that {@link Slide.tissueMask} makes.
   * @defaultValue true
   */
  readonly tissue?: TissueMask | boolean;
  /**
   * A window of the slide is worked on when its share of tissue is above this.
   * @defaultValue 0
   */
  readonly minTissue?: number;
  /**
   * Part of the slide in level-0 pixels; nuclei are kept whose centre lies in it.
   * @defaultValue the whole slide
   */
  readonly region?: Rect;
  /**
   * Largest side of the network's tiles in pixels of its resolution, 256 to 4096. Memory grows with its square. Results
   * do not depend on it, except with `compat` and {@link HoverNet}. Without `compat` tiles of that network overlap by 224
   * px (mode fast) or 318 px (original) and have at least 128 px more, whatever this says.
   * @defaultValue 1280 (HoverFast), 800 (HoverNet; with `compat` the reference's patch)
   */
  readonly tileSize?: number;
  /**
   * Windows that are worked on at once; memory grows with it, results do not depend on it.
   * @defaultValue the model's `threads`, or all threads of the executor
   */
  readonly threads?: number;
  /**
   * Folder, created when missing, in which the run notes each finished window. A run that finds the notes of an equal
   * one there (same slide, weights, settings and version) goes on from them, however that one ended, and gives the same
   * nuclei as an undisturbed run. Notes stay until you delete the folder: do so when your output is safe. One run at a
   * time may use them.
   */
  readonly checkpointDir?: string;
  /**
   * Resident memory of the whole process, in bytes, that the run stays below: it works on fewer windows at once, in
   * smaller tiles, or with fewer threads. Changes no result. The loop rejects with `HISTOJET_OUT_OF_MEMORY` when even
   * the least does not fit. An estimate decides; what your own code allocates during the run is not in it.
   * @defaultValue no ceiling
   */
  readonly maxMemoryBytes?: number;
  /** Called at most ten times a second; counts windows of the slide. */
  readonly onProgress?: ProgressListener;
}

/** Checks what pictures and slides have in common. */
export function checkSegment(options: SegmentOptions): NativeSegment {
  const { px, um2 } = checkMinArea(options.minArea);
  return {
    ...checkPostprocess(options, px),
    minAreaUm2: um2,
    mpp: validate.optional('mpp', options.mpp, validate.positive),
    stain: checkStain(options.stain),
    measure: validate.boolean('measure', options.measure ?? false),
  };
}

/** Checks a stain. */
export function checkStain(stain: Stain | undefined): Stain {
  return validate.oneOf('stain', stain ?? 'he', ['he', 'ihc-dab']);
}

/** Checks everything about a whole slide. `checkpointKey` says which weights and which version will run. */
export function checkSegmentSlide(
  options: SegmentSlideOptions,
  threads: number,
  checkpointKey: string,
): NativeSegmentSlide {
  const { tissue = true, region } = options;
  if (typeof tissue !== 'boolean' && typeof tissue !== 'object') {
    throw typeError(`tissue: expected a boolean or a TissueMask, got ${validate.kindOf(tissue)}`);
  }
  return {
    ...checkSegment(options),
    region: region === undefined ? undefined : checkRect('region', region),
    tissueMask: typeof tissue === 'boolean' ? undefined : checkTissueMask('tissue', tissue),
    findTissue: tissue === true,
    minTissue: validate.number('minTissue', options.minTissue ?? 0, 0, 1),
    tileSize: validate.optional('tileSize', options.tileSize, validate.integer, 256, 4096),
    threads: validate.integer('threads', options.threads ?? threads, 0, 4096),
    maxMemoryBytes: validate.optional('maxMemoryBytes', options.maxMemoryBytes, validate.integer, 1, 2 ** 50),
    checkpointDir: validate.optional('checkpointDir', options.checkpointDir, validate.text),
    checkpointKey,
  };
}
