import type { CancelHandle, Handle, TensorHandle } from '../native.js';

export type MergingHandle = Handle<'merging'>;

/** A kind of matching and its options, all that it has. */
export interface NativeMatching {
  readonly kind: 'bipartite' | 'kth' | 'partition' | 'adjacent';
  readonly threads: number;
  readonly r?: number;
  readonly k?: number;
  readonly window?: number;
  readonly height?: number;
  readonly width?: number;
  readonly strideY?: number;
  readonly strideX?: number;
  readonly threshold?: number;
  readonly longest?: number;
  readonly classToken?: boolean;
  readonly distillToken?: boolean;
  readonly keepOrder?: boolean;
}

/** The calls of native/binding/merging_functions.cpp. */
export interface NativeMerging {
  mergingMatch(
    metric: TensorHandle,
    options: NativeMatching,
    previous: MergingHandle | undefined,
    sizes: Float32Array | undefined,
    cancel: CancelHandle | undefined,
  ): Promise<MergingHandle>;
  mergingMerge(
    step: MergingHandle,
    x: TensorHandle,
    mode: string,
    cancel: CancelHandle | undefined,
  ): Promise<TensorHandle>;
  mergingUnmerge(step: MergingHandle, x: TensorHandle, cancel: CancelHandle | undefined): Promise<TensorHandle>;
  mergingDenseSource(step: MergingHandle, cancel: CancelHandle | undefined): Promise<TensorHandle>;
  mergingInfo(step: MergingHandle): { batch: number; tokens: number; mergedTokens: number; originalTokens: number };
  mergingArray(step: MergingHandle, name: 'sizes' | 'bias'): Float32Array;
  mergingArray(step: MergingHandle, name: 'source'): Int32Array;
}
