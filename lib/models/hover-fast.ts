import { fileURLToPath } from 'node:url';
import { disposedError, HistojetError, typeError } from '../errors.js';
import { callNative, callSync, recordOf } from '../internal/call.js';
import { checkImage, type ImageInput } from '../internal/image.js';
import * as validate from '../internal/validate.js';
import { type ModelHandle, type NativeImage, native } from '../native.js';
import { type NucleusList, wrapNuclei } from '../nuclei/nucleus-list.js';
import { createSegmentation, type SlideSegmentation } from '../pipeline/slide-segmentation.js';
import { Slide, slideHandle } from '../slide/slide.js';
import { type Tensor, wrapTensor } from '../tensor/tensor.js';
import { Weights, weightsHandle } from '../weights/weights.js';
import {
  checkSegment,
  checkSegmentSlide,
  checkStain,
  type SegmentOptions,
  type SegmentSlideOptions,
  type Stain,
} from './segment-options.js';

/** How a network computes; see {@link ModelOptions.precision}. */
export type Precision = 'high' | 'float32' | 'fast';

/** Options of {@link HoverFast.load}. */
export interface ModelOptions {
  /**
   * Where to compute. This version computes on the CPU.
   * @defaultValue 'auto'
   */
  readonly device?: 'auto' | 'cpu' | 'cuda';
  /**
   * `'float32'`: the reference. `'high'`: about 1e-5 of it. `'fast'`: bfloat16 products, about 1e-2 on the maps.
   * Without AMX all three compute in float32.
   * @defaultValue 'high'
   */
  readonly precision?: Precision;
  /**
   * Most threads that a slide is worked on with.
   * @defaultValue all threads of the executor
   */
  readonly threads?: number;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What is really used. */
export interface ModelInfo {
  /** Name of the network. */
  readonly architecture: string;
  /** Settings of the network, from the checkpoint. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where it computes. */
  readonly device: 'cpu';
  /** Instructions: `'scalar'`, `'avx2'`, `'avx512'` or `'amx'`. */
  readonly isa: string;
  /** How it computes. */
  readonly precision: Precision;
  /** Trained numbers. */
  readonly parameters: number;
  /** Packed weights in memory. */
  readonly memoryBytes: number;
  /** Resolution that the network was trained at, micrometres per pixel. */
  readonly mpp: number;
  /** What a tile needs around its core, pixels. */
  readonly marginPx: number;
  /** The checkpoint. */
  readonly weights: {
    /** The file. */
    readonly path: string;
    /** `'sha256:…'` over the file. */
    readonly sha256: string;
  };
}

/** Raw output of {@link HoverFast.predict}. A list of pictures adds a leading axis. */
export interface PredictedMaps {
  /** f32 [height, width]: probability of nucleus. */
  readonly np: Tensor;
  /** f32 [2, height, width]: 0 horizontal, 1 vertical. */
  readonly hv: Tensor;
  /** u8 [height, width]: class, 0 background; absent for networks without classes. */
  readonly tp?: Tensor;
}

/** The weights that come with the package: trained on synthetic slides, for trying things out. */
export function defaultWeightsPath(): string {
  return fileURLToPath(new URL('../../weights/hoverfast-synthetic.safetensors', import.meta.url));
}

let warnedOfMpp = false;

/** Says once per process that a picture is taken to have the network's resolution. */
function warnOfAssumedMpp(mpp: number): void {
  if (warnedOfMpp) return;
  warnedOfMpp = true;
  process.emitWarning(`a picture without mpp is taken to have ${mpp} micrometres per pixel; pass { mpp } to say it`, {
    type: 'HistojetWarning',
    code: 'HISTOJET_ASSUMED_MPP',
  });
}

/** Texts of JSON values as values. */
function parseConfig(flat: readonly string[]): Readonly<Record<string, unknown>> {
  const entries = Object.entries(recordOf(flat)).map(([name, json]) => [name, JSON.parse(json) as unknown]);
  return Object.freeze(Object.fromEntries(entries));
}

function checkPrecision(options: ModelOptions): Precision {
  const device = validate.oneOf('device', options.device ?? 'auto', ['auto', 'cpu', 'cuda']);
  if (device === 'cuda') {
    throw new HistojetError('HISTOJET_DEVICE_UNAVAILABLE', "device 'cuda': this version computes on the CPU only");
  }
  return validate.oneOf('precision', options.precision ?? 'high', ['high', 'float32', 'fast']);
}

/** Pictures of one size. */
function checkBatch(images: readonly ImageInput[]): NativeImage[] {
  if (images.length === 0) throw typeError('images: expected at least one picture');
  const checked = images.map((image, i) => checkImage(`images[${i}]`, image));
  const [first] = checked;
  const other = checked.findIndex(({ width, height }) => width !== first?.width || height !== first?.height);
  if (other > 0) {
    throw new HistojetError(
      'HISTOJET_SHAPE_MISMATCH',
      `images[${other}] has ${checked[other]?.width} x ${checked[other]?.height} pixels, expected ` +
        `${first?.width} x ${first?.height} as images[0]`,
    );
  }
  return checked;
}

/**
 * HoverFast: nuclei of H&E at 0.25 micrometres per pixel (Liakopoulos et al. 2024, choosehappy/HoverFast).
 *
 * @example
 * await using model = await HoverFast.load();
 * await using slide = await Slide.open('case-17.svs');
 * for await (const nuclei of model.segmentSlide(slide)) console.log(nuclei.length);
 */
export class HoverFast implements AsyncDisposable {
  /** What is really used. */
  readonly info: ModelInfo;
  readonly #threads: number;
  #handle: ModelHandle | null;

  private constructor(handle: ModelHandle, weights: ModelInfo['weights'], threads: number) {
    const { config, ...info } = native.modelInfo(handle);
    this.info = Object.freeze({ ...info, config: parseConfig(config), device: 'cpu', weights: Object.freeze(weights) });
    this.#threads = threads;
    this.#handle = handle;
  }

  /**
   * Loads a network of any published configuration: the original `.pth` or safetensors with the same names.
   *
   * @param weights - a path or open weights (which stay open); without them the packaged ones, see
   * {@link defaultWeightsPath}
   * @throws {@link HistojetError} `HISTOJET_MISSING_WEIGHT`, `HISTOJET_SHAPE_MISMATCH` (names and both shapes),
   * `HISTOJET_DEVICE_UNAVAILABLE`, and whatever {@link Weights.open} throws; TypeError, RangeError
   */
  static async load(weights?: string | Weights, options?: ModelOptions): Promise<HoverFast> {
    const given = validate.options('options', options);
    const precision = checkPrecision(given);
    const threads = validate.optional('threads', given.threads, validate.integer, 1, 4096) ?? 0;
    const { signal } = given;
    if (weights instanceof Weights) return HoverFast.#fromWeights(weights, precision, threads, signal);
    const path = weights === undefined ? defaultWeightsPath() : validate.text('weights', weights);
    // The published checkpoint holds a NumPy scalar and the optimiser's state beside the weights.
    const file = await Weights.open(path, { opaqueGlobals: true, ...(signal && { signal }) });
    try {
      return await HoverFast.#fromWeights(file, precision, threads, signal);
    } finally {
      await file.close();
    }
  }

  static async #fromWeights(
    weights: Weights,
    precision: Precision,
    threads: number,
    signal: AbortSignal | undefined,
  ): Promise<HoverFast> {
    const file = weightsHandle(weights);
    const handle = await callNative(signal, (cancel) => native.hoverfastLoad(file, precision, cancel));
    const sha256 = await callNative(signal, (cancel) => native.weightsSha256(file, cancel));
    return new HoverFast(handle, { path: weights.path, sha256 }, threads);
  }

  /**
   * The plan as text: each step with its shapes, fusions, bytes and operations.
   *
   * @param size - pixels of the tile, default 1024 x 1024
   * @throws {@link HistojetError} `HISTOJET_DISPOSED`; TypeError, RangeError
   */
  describe(size?: { readonly width?: number; readonly height?: number }): string {
    const handle = this.#open();
    const { width = 1024, height = 1024 } = validate.options('size', size);
    validate.integer('width', width, 1, 16384);
    validate.integer('height', height, 1, 16384);
    return callSync(() => native.modelDescribe(handle, height, width));
  }

  /**
   * The network alone: raw maps of a picture of any size, or of several pictures of one size.
   *
   * @param image - RGB, or RGBA composited on white, at the network's resolution
   * @returns maps of the picture's size as tensors; `await maps.np.data()` gives the values
   * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`, `HISTOJET_OUT_OF_MEMORY`, `HISTOJET_DISPOSED`; TypeError,
   * RangeError
   */
  async predict(
    image: ImageInput | readonly ImageInput[],
    options?: { readonly stain?: Stain; readonly signal?: AbortSignal },
  ): Promise<PredictedMaps> {
    const handle = this.#open();
    const { stain, signal } = validate.options('options', options);
    const checkedStain = checkStain(stain);
    const batched = Array.isArray(image);
    const images = batched ? checkBatch(image) : [checkImage('image', image as ImageInput)];
    const { np, hv, tp } = await callNative(signal, (cancel) =>
      native.modelPredict(handle, images, batched, checkedStain, cancel),
    );
    return { np: wrapTensor(np), hv: wrapTensor(hv), ...(tp && { tp: wrapTensor(tp) }) };
  }

  /**
   * Nuclei of one picture.
   *
   * @returns nuclei in pixels of the picture, areas in square micrometres, with `labels` [height, width]
   * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`, `HISTOJET_OUT_OF_MEMORY`, `HISTOJET_DISPOSED`; TypeError,
   * RangeError
   */
  async segment(image: ImageInput, options?: SegmentOptions): Promise<NucleusList> {
    const handle = this.#open();
    const given = validate.options('options', options);
    const checked = checkSegment(given);
    const picture = checkImage('image', image);
    if (checked.mpp === undefined) warnOfAssumedMpp(this.info.mpp);
    return wrapNuclei(
      await callNative(given.signal, (cancel) => native.modelSegment(handle, picture, checked, cancel)),
    );
  }

  /**
   * Nuclei of a whole slide, batch by batch; results depend neither on `tileSize` nor on `threads`.
   *
   * @returns to be looped over once: nuclei in level-0 pixels, areas in square micrometres
   * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` (a slide without mpp: pass one to {@link Slide.open}),
   * `HISTOJET_CORRUPT_FILE`, `HISTOJET_IO`, `HISTOJET_DISPOSED` (when the loop begins); TypeError, RangeError
   */
  segmentSlide(slide: Slide, options?: SegmentSlideOptions): SlideSegmentation {
    if (!(slide instanceof Slide)) throw typeError(`slide: expected a Slide, got ${validate.kindOf(slide)}`);
    const given = validate.options('options', options);
    const checked = checkSegmentSlide(given, this.#threads);
    return createSegmentation({
      start: () => native.runStart(this.#open(), slideHandle(slide), checked),
      signal: validate.signal(given.signal),
      onProgress: validate.callback('onProgress', given.onProgress),
    });
  }

  /** Frees the weights once running calls are done. Closing twice is fine. */
  async close(): Promise<void> {
    if (this.#handle !== null) native.modelClose(this.#handle);
    this.#handle = null;
  }

  /** The same as {@link HoverFast.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #open(): ModelHandle {
    if (this.#handle === null) throw disposedError('model');
    return this.#handle;
  }
}
