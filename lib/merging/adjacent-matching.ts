import * as validate from '../internal/validate.js';
import type { TensorInput } from '../tensor/tensor.js';
import { type MatchingOptions, match } from './match.js';
import type { TokenMerging } from './token-merging.js';

/** Options of {@link adjacentMatching}. */
export interface AdjacentMatchingOptions extends MatchingOptions {
  /** Neighbours whose cosine is above this belong to one run. */
  readonly threshold: number;
  /** Most tokens of a run. @defaultValue any number */
  readonly longest?: number | undefined;
  /**
   * Token 0 is a class token and stays alone.
   * @defaultValue `false`
   */
  readonly classToken?: boolean | undefined;
}

/**
 * Runs of consecutive tokens whose neighbours are similar become one token each. Keeps the order; its cost is linear, so
 * that it suits sequences of a whole slide.
 *
 * @param metric - `[1, tokens, channels]`: one sequence, as each would get a length of its own
 * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`, `HISTOJET_INVALID_ARGUMENT`, `HISTOJET_DISPOSED`; TypeError,
 * RangeError
 */
export async function adjacentMatching(metric: TensorInput, options: AdjacentMatchingOptions): Promise<TokenMerging> {
  const { threshold, longest, classToken, ...rest } = validate.options('options', options);
  return match(metric, rest, {
    kind: 'adjacent',
    threshold: validate.number('threshold', threshold),
    longest: validate.optional('longest', longest, validate.integer, 1) ?? 0,
    classToken: validate.boolean('classToken', classToken ?? false),
  });
}
