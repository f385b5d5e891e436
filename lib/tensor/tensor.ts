import { disposedError, HistojetError, typeError } from '../errors.js';
import { callNative, callSync } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { native, type TensorHandle } from '../native.js';
import { arrayOver, checkDType, type DType, nativeDType, publicDType, type TypedArray } from './dtype.js';

/** Values with a shape, as users bring them. */
export interface TensorData {
  /** Row-major values. */
  readonly data: TypedArray;
  /** Sizes of the dimensions, outermost first. */
  readonly shape: readonly number[];
}

/**
 * Wherever a function takes a tensor it also takes plain values with a shape. Up to 1 MiB of values are copied when a call
 * begins; more are copied in pieces while the event loop goes on, so leave them as they are until the call's promise
 * settles.
 */
export type TensorInput = Tensor | TensorData;

/** Options of {@link Tensor.from}. */
export interface TensorOptions {
  /**
   * What the values are. `'f16'` and `'bf16'` are given as raw bits in a Uint16Array, 8-bit floats and booleans in a
   * Uint8Array. Capitals do not matter.
   * @defaultValue the type of the array
   */
  readonly dtype?: DType | Uppercase<DType>;
}

let unwrap: (tensor: Tensor) => TensorHandle;
let wrap: (handle: TensorHandle) => Tensor;

/**
 * A dense row-major tensor in native memory. Immutable; results of networks stay such handles until somebody asks for
 * the values.
 *
 * @example
 * const tensor = Tensor.from(new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3]);
 * tensor.shape; // [2, 3]
 * await tensor.data(); // a copy of the values
 */
export class Tensor implements AsyncDisposable {
  /** Sizes of the dimensions, outermost first; [] for a single value. */
  readonly shape: readonly number[];
  /** What the values are. */
  readonly dtype: DType;
  #handle: TensorHandle | null;

  static {
    unwrap = (tensor) => tensor.#open();
    wrap = (handle) => new Tensor(handle);
  }

  private constructor(handle: TensorHandle) {
    const info = native.tensorInfo(handle);
    this.shape = Object.freeze(info.shape);
    this.dtype = publicDType(info.dtype);
    this.#handle = handle;
  }

  /**
   * A tensor from values, which are copied at once: 100 MB hold the event loop for some tens of milliseconds. Calls that
   * take `{ data, shape }` copy large values in pieces instead.
   *
   * @param data - row-major values
   * @param shape - sizes of the dimensions; their product must be the number of values
   * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`, `HISTOJET_OUT_OF_MEMORY`; TypeError, RangeError
   */
  static from(data: TypedArray, shape: readonly number[], options?: TensorOptions): Tensor {
    const checked = checkValues(data, shape, validate.options('options', options).dtype);
    return new Tensor(callSync(() => native.tensorFrom(data, nativeDType(checked.dtype), checked.shape)));
  }

  /** Number of values. */
  get size(): number {
    return this.shape.reduce((product, side) => product * side, 1);
  }

  /**
   * A copy of the values; `'f16'`, `'bf16'` and 8-bit floats as raw bits.
   *
   * @throws {@link HistojetError} `HISTOJET_DISPOSED`
   */
  async data(options?: { readonly signal?: AbortSignal }): Promise<TypedArray> {
    const handle = this.#open();
    const buffer = await callNative(options?.signal, (cancel) => native.tensorData(handle, cancel));
    return arrayOver(this.dtype, buffer);
  }

  /** Frees the memory once nothing uses it any more. Closing twice is fine. */
  async close(): Promise<void> {
    if (this.#handle !== null) native.tensorClose(this.#handle);
    this.#handle = null;
  }

  /** The same as {@link Tensor.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #open(): TensorHandle {
    if (this.#handle === null) throw disposedError('tensor');
    return this.#handle;
  }
}

/** The native handle. @throws HistojetError HISTOJET_DISPOSED */
export function tensorHandle(tensor: Tensor): TensorHandle {
  return unwrap(tensor);
}

/** A tensor around a native handle. */
export function wrapTensor(handle: TensorHandle): Tensor {
  return wrap(handle);
}

/** Checks that the values have the shape. */
export function checkValues(
  data: TypedArray,
  shape: readonly number[],
  dtype: string | undefined,
): { readonly dtype: DType; readonly shape: readonly number[] } {
  const checked = checkDType(data, dtype);
  if (!Array.isArray(shape)) throw typeError(`shape: expected an array, got ${validate.kindOf(shape)}`);
  const sides = shape.map((side, i) => validate.integer(`shape[${i}]`, side, 0));
  const count = sides.reduce((product, side) => product * side, 1);
  if (count !== data.length) {
    throw new HistojetError(
      'HISTOJET_SHAPE_MISMATCH',
      `shape [${sides.join(', ')}] needs ${count} values, got ${data.length}`,
    );
  }
  return { dtype: checked, shape: sides };
}
