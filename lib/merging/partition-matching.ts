import * as validate from '../internal/validate.js';
import type { TensorInput } from '../tensor/tensor.js';
import { type MatchingOptions, match } from './match.js';
import type { TokenMerging } from './token-merging.js';

/** Options of {@link partitionSoftMatching2d}. */
export interface PartitionMatchingOptions extends MatchingOptions {
  /** Rows of the grid of tokens. */
  readonly height: number;
  /** Columns of it; tokens lie row by row. */
  readonly width: number;
  /** Rows of a cell. @defaultValue 2 */
  readonly strideY?: number | undefined;
  /** Columns of a cell. @defaultValue 2 */
  readonly strideX?: number | undefined;
  /** Tokens to remove from each grid; at most all but one of each cell are removed. */
  readonly r: number;
  /**
   * The result keeps the order of the grid's tokens. Otherwise: those that did not merge by falling similarity, then those
   * that take in others.
   * @defaultValue `false`
   */
  readonly keepOrder?: boolean | undefined;
}

/**
 * Matching on a grid (ToMe for Stable Diffusion, arXiv 2303.17604, without its randomness): the top left token of every
 * full cell takes in those of the others that are most similar to it, wherever they lie. Usually undone by `unmerge` after
 * the layer that it makes cheaper.
 *
 * @param metric - `[batch, height * width, channels]`
 * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`, `HISTOJET_INVALID_ARGUMENT`, `HISTOJET_DISPOSED`; TypeError,
 * RangeError
 */
export async function partitionSoftMatching2d(
  metric: TensorInput,
  options: PartitionMatchingOptions,
): Promise<TokenMerging> {
  const { height, width, strideY, strideX, r, keepOrder, ...rest } = validate.options('options', options);
  return match(metric, rest, {
    kind: 'partition',
    height: validate.integer('height', height, 0),
    width: validate.integer('width', width, 0),
    strideY: validate.integer('strideY', strideY ?? 2, 1),
    strideX: validate.integer('strideX', strideX ?? 2, 1),
    r: validate.integer('r', r, 0),
    keepOrder: validate.boolean('keepOrder', keepOrder ?? false),
  });
}
