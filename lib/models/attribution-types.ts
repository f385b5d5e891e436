import type { Colormap } from '../writers/density-types.js';
import type { PixelMambaOptions } from './pixel-mamba-types.js';
import type { PlacedMap } from './placed-maps.js';

/** Options of {@link PixelMamba.attribute}; {@link OcclusionOptions} are those of its other method. */
export interface AttributionOptions extends PixelMambaOptions {
  /**
   * Takes relevance back through the network, from the answer to the tokens.
   * @defaultValue 'rollout'
   */
  readonly method?: 'rollout';
  /**
   * Which output of the head is explained, by its number. `'features'`: none of them, but the pooled vector, so that the
   * maps say what was looked at and not what it speaks for.
   * @defaultValue the predicted class; the threshold below the predicted grade; the only output; else `'features'`
   */
  readonly target?: number | 'features';
  /**
   * Side of the smallest tokens that get a value, in pixels of the network's resolution: one of the stages'.
   * @defaultValue the smallest for which `maxMapBytes` is enough
   */
  readonly tokenPx?: number;
  /**
   * Memory for relevances and maps, bytes.
   * @defaultValue 1 GiB
   */
  readonly maxMapBytes?: number;
  /**
   * Side of the squares within which a path between tokens counts as local, pixels of the network's resolution.
   * @defaultValue a region
   */
  readonly localPx?: number;
  /**
   * What passes between tokens: `'contribution'`: the size of what really does, in relation to the token that it is added
   * to; `'channels'`: attention, channels counted by their gate and what they do to the output; `'attention'`: its plain
   * mean over channels, as Ali et al. published it. `docs/attribution.md` compares them.
   * @defaultValue 'contribution'
   */
  readonly weighting?: 'contribution' | 'channels' | 'attention';
  /**
   * Whether attention between tokens keeps its sign. Without, sizes are followed, which is steadier.
   * @defaultValue false
   */
  readonly signed?: boolean;
}

/** How a {@link RelevanceMap} becomes a picture. */
export interface RelevanceRenderOptions {
  /**
   * Which numbers: all relevance; what came along paths within a region (`'local'`) or between them (`'global'`); or
   * what speaks against the target (`'against'`). Occlusion has `'all'` and `'against'`.
   * @defaultValue 'all'
   */
  readonly part?: RelevancePart;
  /**
   * Colours from 0 to `max`.
   * @defaultValue 'inferno'
   */
  readonly colormap?: Colormap;
  /**
   * Value of the last colour.
   * @defaultValue the 99.5th percentile of the values above 0
   */
  readonly max?: number;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options of {@link Attribution.overlay}. */
export interface RelevanceOverlayOptions extends RelevanceRenderOptions {
  /**
   * Longer side of the picture in pixels.
   * @defaultValue 2048
   */
  readonly maxSize?: number;
  /**
   * How much of the slide the last colour hides, 0 to 1.
   * @defaultValue 0.8
   */
  readonly opacity?: number;
}

/** Options of {@link Attribution.saveTiff}. */
export interface RelevanceTiffOptions extends RelevanceRenderOptions {
  /**
   * `'colors'`: RGB. `'values'`: grey, 255 for `max`.
   * @defaultValue 'colors'
   */
  readonly content?: 'colors' | 'values';
}

/** Which numbers of a map are shown; see {@link RelevanceRenderOptions.part}. */
export type RelevancePart = 'all' | 'local' | 'global' | 'against';

/** The relevance of one stage's tokens, where they lie. */
export interface RelevanceMap extends PlacedMap {
  /** Number of the stage, 0 for the finest. */
  readonly stage: number;
  /** Side of a token in pixels of the network's resolution. */
  readonly tokenPx: number;
  /** `[height, width]`: the part of `values` that came along paths which stay within a region in every block. */
  readonly local: Float32Array;
  /** Of all tokens, those beyond the border included. */
  readonly sum: number;
  /** Share of relevance that came along local paths, 0 to 1. */
  readonly localShare: number;
}
