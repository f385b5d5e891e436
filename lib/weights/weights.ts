import { disposedError } from '../errors.js';
import { callNative, callSync, recordOf } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { native, type WeightsHandle } from '../native.js';
import { type DType, publicDType } from '../tensor/dtype.js';
import { type Tensor, wrapTensor } from '../tensor/tensor.js';

/** Options of {@link Weights.open}. */
export interface WeightsOptions {
  /**
   * Objects in a torch file that are no tensors, numbers or strings (NumPy scalars, optimiser states) become inert
   * placeholders instead of an error. Nothing of a file is ever executed, either way.
   * @defaultValue false
   */
  readonly opaqueGlobals?: boolean;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What a checkpoint says about one tensor. */
export interface WeightEntry {
  /** What the values are. */
  readonly dtype: DType;
  /** Sizes of the dimensions, outermost first. */
  readonly shape: readonly number[];
}

let unwrap: (weights: Weights) => WeightsHandle;

/**
 * Named tensors of a checkpoint. Opening checks the whole table; values are read when asked for.
 *
 * @example
 * await using weights = await Weights.open('hoverfast.pth');
 * const kernel = await weights.get('down_path.0.block.0.weight');
 */
export class Weights implements AsyncDisposable {
  /** The path that was opened. */
  readonly path: string;
  /** `'safetensors'`, `'torch-zip'`, `'torch-legacy'` or `'torch-tar'`. */
  readonly format: string;
  /** Names of the tensors: in file order for torch files, sorted for safetensors. */
  readonly names: readonly string[];
  /** Texts beside the tensors: `__metadata__` of safetensors, scalars beside the state dict of torch files. */
  readonly metadata: Readonly<Record<string, string>>;
  #handle: WeightsHandle | null;

  static {
    unwrap = (weights) => weights.#open();
  }

  private constructor(handle: WeightsHandle) {
    const info = native.weightsInfo(handle);
    this.path = info.path;
    this.format = info.format;
    this.names = Object.freeze(info.names);
    this.metadata = recordOf(info.metadata);
    this.#handle = handle;
  }

  /**
   * Opens `.safetensors` (a file, a shard index or a folder of shards) or `.pth`, `.pt`, `.bin` (zip and legacy),
   * recognised by content. Never executes code of a file.
   *
   * @throws {@link HistojetError} `HISTOJET_IO`, `HISTOJET_UNSUPPORTED_FORMAT`, `HISTOJET_CORRUPT_FILE`
   */
  static async open(path: string, options?: WeightsOptions): Promise<Weights> {
    validate.text('path', path);
    const { opaqueGlobals = false, signal } = validate.options('options', options);
    validate.boolean('opaqueGlobals', opaqueGlobals);
    return new Weights(await callNative(signal, (cancel) => native.weightsOpen(path, opaqueGlobals, cancel)));
  }

  /** Whether there is a tensor of this name. */
  has(name: string): boolean {
    return this.names.includes(name);
  }

  /**
   * Type and shape of a tensor, without reading its values.
   *
   * @throws {@link HistojetError} `HISTOJET_MISSING_WEIGHT` (with the closest name), `HISTOJET_DISPOSED`
   */
  entry(name: string): WeightEntry {
    const handle = this.#open();
    validate.text('name', name);
    const { dtype, shape } = callSync(() => native.weightsEntry(handle, name));
    return { dtype: publicDType(dtype), shape };
  }

  /**
   * Reads a tensor.
   *
   * @throws {@link HistojetError} `HISTOJET_MISSING_WEIGHT` (with the closest name), `HISTOJET_CORRUPT_FILE`,
   * `HISTOJET_IO`, `HISTOJET_DISPOSED`
   */
  async get(name: string, options?: { readonly signal?: AbortSignal }): Promise<Tensor> {
    const handle = this.#open();
    validate.text('name', name);
    return wrapTensor(await callNative(options?.signal, (cancel) => native.weightsGet(handle, name, cancel)));
  }

  /**
   * `'sha256:…'` over the whole file (over the files in name order for shards).
   *
   * @throws {@link HistojetError} `HISTOJET_IO`, `HISTOJET_DISPOSED`
   */
  async sha256(options?: { readonly signal?: AbortSignal }): Promise<string> {
    const handle = this.#open();
    return callNative(options?.signal, (cancel) => native.weightsSha256(handle, cancel));
  }

  /** Closes the file once nothing uses it any more; tensors and models that were read stay. Closing twice is fine. */
  async close(): Promise<void> {
    if (this.#handle !== null) native.weightsClose(this.#handle);
    this.#handle = null;
  }

  /** The same as {@link Weights.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #open(): WeightsHandle {
    if (this.#handle === null) throw disposedError('weights file');
    return this.#handle;
  }
}

/** The native handle. @throws HistojetError HISTOJET_DISPOSED */
export function weightsHandle(weights: Weights): WeightsHandle {
  return unwrap(weights);
}
