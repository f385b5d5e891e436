import { typeError } from '../errors.js';
import { callNative } from '../internal/call.js';
import type { MergingHandle } from '../internal/native-merging.js';
import * as validate from '../internal/validate.js';
import { type CancelHandle, native, type TensorHandle } from '../native.js';
import { type Tensor, type TensorInput, tensorHandle, wrapTensor } from '../tensor/tensor.js';
import { withTensors } from '../tensor/tensor-inputs.js';

const mergeModes = ['mean', 'sum', 'max', 'weighted'] as const;

/**
 * What becomes of tokens that turn into one: their average, their sum, the largest value of each channel, or the average
 * weighted by the tokens' sizes.
 */
export type MergeMode = (typeof mergeModes)[number];

/** How a call is stopped. */
interface Stoppable {
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One step of token merging: which tokens become one. Immutable; its functions may be taken out of it.
 *
 * @example
 * const { merge, unmerge, sizes } = await bipartiteSoftMatching(keys, { r: 16, classToken: true });
 * const fewer = await merge(tokens, 'weighted');
 */
export interface TokenMerging {
  /** Sequences. */
  readonly batch: number;
  /** Tokens of each sequence before the step. */
  readonly tokens: number;
  /** Tokens of each sequence after it. */
  readonly mergedTokens: number;
  /** Tokens of each sequence before the first of the steps that `previous` chains. */
  readonly originalTokens: number;
  /** `[batch, mergedTokens]`: how many original tokens each token stands for. */
  readonly sizes: Float32Array;
  /** `[batch, originalTokens]`: the token that each original one is part of now, -1 for dropped ones. */
  readonly source: Int32Array;
  /** `[batch, mergedTokens]`: log(size), which proportional attention adds to the logits of each key. */
  readonly attentionBias: Float32Array;
  /**
   * `[batch, tokens, channels]` → float32 `[batch, mergedTokens, channels]`.
   *
   * @param mode - default `'mean'`; `'weighted'` weighs by the sizes before the step
   * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`, `HISTOJET_INVALID_ARGUMENT`, `HISTOJET_DISPOSED`
   */
  readonly merge: (x: TensorInput, mode?: MergeMode, options?: Stoppable) => Promise<Tensor>;
  /**
   * `[batch, mergedTokens, channels]` → float32 `[batch, tokens, channels]`: each token gets the value of the one that it
   * became part of. Dropped tokens are missing at the end.
   *
   * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`, `HISTOJET_INVALID_ARGUMENT`, `HISTOJET_DISPOSED`
   */
  readonly unmerge: (x: TensorInput, options?: Stoppable) => Promise<Tensor>;
  /** Float32 `[batch, mergedTokens, originalTokens]`: 1 where the token holds the original one. */
  readonly denseSource: (options?: Stoppable) => Promise<Tensor>;
}

const handles = new WeakMap<object, MergingHandle>();

/** A typed array that is fetched when it is first asked for. */
function lazy<Values>(fetch: () => Values): () => Values {
  let values: Values | undefined;
  return () => {
    values ??= fetch();
    return values;
  };
}

/** Runs a native call that makes a tensor of one. */
function onTensor(
  x: TensorInput,
  signal: AbortSignal | undefined,
  job: (values: TensorHandle, cancel: CancelHandle | undefined) => Promise<TensorHandle>,
): Promise<Tensor> {
  return withTensors([], { x }, async (tensors) => {
    const values = tensorHandle(tensors.x);
    return wrapTensor(await callNative(signal, (cancel) => job(values, cancel)));
  });
}

/** The public form of a step. */
export function wrapMerging(handle: MergingHandle): TokenMerging {
  const sizes = lazy(() => native.mergingArray(handle, 'sizes'));
  const source = lazy(() => native.mergingArray(handle, 'source'));
  const bias = lazy(() => native.mergingArray(handle, 'bias'));
  const merging: TokenMerging = Object.freeze({
    ...native.mergingInfo(handle),
    get sizes() {
      return sizes();
    },
    get source() {
      return source();
    },
    get attentionBias() {
      return bias();
    },
    merge: async (x: TensorInput, mode: MergeMode = 'mean', options?: Stoppable) => {
      const checked = validate.oneOf('mode', mode, mergeModes);
      const { signal } = validate.options('options', options);
      return onTensor(x, signal, (values, cancel) => native.mergingMerge(handle, values, checked, cancel));
    },
    unmerge: async (x: TensorInput, options?: Stoppable) => {
      const { signal } = validate.options('options', options);
      return onTensor(x, signal, (values, cancel) => native.mergingUnmerge(handle, values, cancel));
    },
    denseSource: async (options?: Stoppable) => {
      const { signal } = validate.options('options', options);
      return wrapTensor(await callNative(signal, (cancel) => native.mergingDenseSource(handle, cancel)));
    },
  });
  handles.set(merging, handle);
  return merging;
}

/** The native side of a step. */
export function mergingHandle(name: string, merging: TokenMerging): MergingHandle {
  const handle = typeof merging === 'object' && merging !== null ? handles.get(merging) : undefined;
  if (handle === undefined)
    throw typeError(`${name}: expected the result of a matching, got ${validate.kindOf(merging)}`);
  return handle;
}
