import { typeError } from '../errors.js';
import { callNative } from '../internal/call.js';
import type { NativeMatching } from '../internal/native-merging.js';
import * as validate from '../internal/validate.js';
import { native } from '../native.js';
import { type TensorInput, tensorHandle } from '../tensor/tensor.js';
import { withTensors } from '../tensor/tensor-inputs.js';
import { mergingHandle, type TokenMerging, wrapMerging } from './token-merging.js';

/** What all matchings take. */
export interface MatchingOptions {
  /** The step before this one: sizes and sources go on counting from the first step's tokens. */
  readonly previous?: TokenMerging | undefined;
  /** `[batch, tokens]`: how much each token weighs before the step; instead of `previous`. @defaultValue 1 each */
  readonly sizes?: Float32Array | undefined;
  /** Most threads to use; the result does not depend on it. @defaultValue all that the process has */
  readonly threads?: number | undefined;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The options of one kind of matching, checked. */
export type CheckedMatching = Omit<NativeMatching, 'threads'>;

/** Runs a matching outside of the JavaScript thread. */
export async function match(
  metric: TensorInput,
  options: MatchingOptions,
  matching: CheckedMatching,
): Promise<TokenMerging> {
  const { previous, sizes, signal } = options;
  if (previous !== undefined && sizes !== undefined) throw typeError('sizes: expected none together with previous');
  if (sizes !== undefined && !(sizes instanceof Float32Array)) {
    throw typeError(`sizes: expected a Float32Array, got ${validate.kindOf(sizes)}`);
  }
  const before = previous && mergingHandle('previous', previous);
  const checked = { ...matching, threads: validate.integer('threads', options.threads ?? 0, 0, 1024) };
  return withTensors([], { metric }, async (tensors) => {
    const features = tensorHandle(tensors.metric);
    return wrapMerging(
      await callNative(signal, (cancel) => native.mergingMatch(features, checked, before, sizes, cancel)),
    );
  });
}
