import type { PixelMambaOptions } from './pixel-mamba-types.js';
import type { PlacedMap } from './placed-maps.js';

/** Options of {@link PixelMamba.attribute} with squares that are painted over. */
export interface OcclusionOptions extends PixelMambaOptions {
  /** Paints squares over, one at a time, and looks at what changes. */
  readonly method: 'occlusion';
  /**
   * Which output of the head is followed, by its number.
   * @defaultValue the predicted class; the threshold below the predicted grade; the only output; for survival the risk
   */
  readonly target?: number;
  /**
   * Side of the first squares, pixels of the network's resolution: a region's side, or a power of two times or part of it.
   * @defaultValue the smallest from a region's side on that needs at most 64 of them
   */
  readonly coarsestPx?: number;
  /**
   * Side of the smallest squares.
   * @defaultValue a quarter of a region's
   */
  readonly finestPx?: number;
  /**
   * How many squares are looked at, and one more. The squares that change most are quartered first.
   * @defaultValue 200
   */
  readonly maxEvaluations?: number;
}

/** A square that was painted over. */
export interface OccludedSquare {
  /** Level-0 pixels (pixels of a picture). */
  readonly x: number;
  /** Level-0 pixels. */
  readonly y: number;
  /** Level-0 pixels. */
  readonly width: number;
  /** Level-0 pixels. */
  readonly height: number;
  /** Score with the square covered, less the score of the slide as it is. */
  readonly change: number;
}

/** How far the score falls when a place is covered. */
export interface OcclusionMap extends PlacedMap {
  /** Side of a cell in pixels of the network's resolution: `finestPx`. */
  readonly squarePx: number;
  /**
   * `[height, width]`: the fall of the score with the smallest square that was looked at there, divided over its cells;
   * below 0 where it rose, NaN where the network does not look.
   */
  readonly values: Float32Array;
}
