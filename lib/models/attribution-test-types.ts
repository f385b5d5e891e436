import type { PixelMambaOptions } from './pixel-mamba-types.js';

/** Options of {@link PixelMamba.testAttribution}. What is looked at is what was explained; `region` cannot be given. */
export interface AttributionTestOptions extends Omit<PixelMambaOptions, 'region'> {
  /**
   * Which output is followed.
   * @defaultValue the one that was explained; without one, as {@link OcclusionOptions.target}
   */
  readonly target?: number;
  /**
   * Side of the squares that are painted over, pixels of the network's resolution: a multiple of the map's.
   * @defaultValue the map's, or the smallest power of two times it that makes a quarter of a region
   */
  readonly cellPx?: number;
  /**
   * In how many parts the squares are taken.
   * @defaultValue 16
   */
  readonly steps?: number;
  /**
   * How many random orders the map is held against.
   * @defaultValue 3
   */
  readonly randomOrders?: number;
  /**
   * Of the first random order; the others have the numbers that follow. Equal seeds give equal orders.
   * @defaultValue 1
   */
  readonly seed?: number;
}

/** A score while squares are painted over or uncovered. */
export interface PerturbationCurve {
  /** Share of the squares that were taken: from 0 to 1. */
  readonly share: Float64Array;
  /** The score at each of them. */
  readonly score: Float64Array;
  /** Mean of the score over the share (trapezium rule). */
  readonly area: number;
}

/** Both curves of one order of squares. */
export interface PerturbationCurves {
  /** From the whole slide to none of it: a good map makes the score fall early, its area is small. */
  readonly deletion: PerturbationCurve;
  /** From none of it to the whole slide: a good map makes the score rise early, its area is large. */
  readonly insertion: PerturbationCurve;
}

/** What {@link PixelMamba.testAttribution} found: the curves of the map, and those of random orders. */
export interface AttributionTest extends PerturbationCurves {
  /** Number of the output that was followed; null: the risk. */
  readonly target: number | null;
  /** Side of the squares, pixels of the network's resolution. */
  readonly cellPx: number;
  /** How many squares were painted over in all. */
  readonly squares: number;
  /** The same squares in random orders. */
  readonly random: readonly (PerturbationCurves & { readonly seed: number })[];
}
