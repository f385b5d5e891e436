import * as validate from '../internal/validate.js';
import type { TensorInput } from '../tensor/tensor.js';
import { type MatchingOptions, match } from './match.js';
import type { TokenMerging } from './token-merging.js';

/** Options of {@link bipartiteSoftMatching}. */
export interface BipartiteMatchingOptions extends MatchingOptions {
  /** Tokens to remove from each sequence; at most half of those that are not protected are removed. */
  readonly r: number;
  /**
   * Token 0 is a class token: it never becomes part of another one and stays the first.
   * @defaultValue `false`
   */
  readonly classToken?: boolean | undefined;
  /**
   * Token 1 is a distillation token: nothing becomes part of it.
   * @defaultValue `false`
   */
  readonly distillToken?: boolean | undefined;
  /**
   * The result keeps the order of the sequence, as recurrent networks need it. Otherwise the order is the reference's:
   * even tokens that did not merge by falling similarity (by index with a class token), then the odd ones.
   * @defaultValue `false`
   */
  readonly keepOrder?: boolean | undefined;
  /**
   * Only tokens of one window of so many consecutive ones merge, each window its share of `r`. The cost is then linear
   * in the length of the sequence.
   * @defaultValue no windows
   */
  readonly window?: number | undefined;
}

/** Options of {@link kthBipartiteSoftMatching}. */
export interface KthBipartiteMatchingOptions extends MatchingOptions {
  /** Every k-th token remains; 1 changes nothing. */
  readonly k: number;
}

/**
 * Bipartite soft matching (ToMe, arXiv 2210.09461): every even token looks for the most similar odd one, and the `r` most
 * similar pairs merge. Of equally similar ones those with the lowest index come first, so the result is the same on every
 * machine and for any number of threads. Zero rows are similar to nothing; rows that are not finite never merge.
 *
 * @param metric - `[batch, tokens, channels]`: what tokens are compared by (cosine), for example a block's mean keys
 * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`, `HISTOJET_INVALID_ARGUMENT`, `HISTOJET_DISPOSED`; TypeError,
 * RangeError
 * @example
 * const step = await bipartiteSoftMatching(keys, { r: 16, classToken: true, previous });
 * tokens = await step.merge(tokens, 'weighted');
 */
export async function bipartiteSoftMatching(
  metric: TensorInput,
  options: BipartiteMatchingOptions,
): Promise<TokenMerging> {
  const { r, classToken, distillToken, keepOrder, window, ...rest } = validate.options('options', options);
  return match(metric, rest, {
    kind: 'bipartite',
    r: validate.integer('r', r, 0),
    classToken: validate.boolean('classToken', classToken ?? false),
    distillToken: validate.boolean('distillToken', distillToken ?? false),
    keepOrder: validate.boolean('keepOrder', keepOrder ?? false),
    window: validate.optional('window', window, validate.integer, 1) ?? 0,
  });
}

/**
 * Every k-th token takes in the most similar ones of the others, all of them: `floor(tokens / k)` remain in their order,
 * and the last `tokens mod k` are dropped.
 *
 * @param metric - `[batch, tokens, channels]`
 * @throws as {@link bipartiteSoftMatching}
 */
export async function kthBipartiteSoftMatching(
  metric: TensorInput,
  options: KthBipartiteMatchingOptions,
): Promise<TokenMerging> {
  const { k, ...rest } = validate.options('options', options);
  return match(metric, rest, { kind: 'kth', k: validate.integer('k', k, 1) });
}
