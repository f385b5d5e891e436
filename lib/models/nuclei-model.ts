import { disposedError, HistojetError, typeError } from '../errors.js';
import { withPictures } from '../internal/array-copy.js';
import { callNative, callSync, recordOf } from '../internal/call.js';
import { checkImage, type ImageInput } from '../internal/image.js';
import { version } from '../internal/system-info.js';
import * as validate from '../internal/validate.js';
import { type ModelHandle, type NativeImage, type NativePicture, native } from '../native.js';
import { type NucleusList, wrapNuclei } from '../nuclei/nucleus-list.js';
import { createSegmentation, type SlideSegmentation } from '../pipeline/slide-segmentation.js';
import { Slide, slideHandle } from '../slide/slide.js';
import { type Tensor, wrapTensor } from '../tensor/tensor.js';
import { type Weights, weightsHandle } from '../weights/weights.js';
import type { NucleusClass } from '../writers/nucleus-writer.js';
import { checkModelOptions, type ModelOptions, type Precision } from './model-options.js';
import {
  checkSegment,
  checkSegmentSlide,
  checkStain,
  type SegmentOptions,
  type SegmentSlideOptions,
  type Stain,
} from './segment-options.js';
import { withWeights } from './with-weights.js';

/** What is really used. */
export interface ModelInfo {
  /** Name of the network: `'hoverfast'` or `'hovernet'`. */
  readonly architecture: string;
  /** Settings of the network, from the checkpoint. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where it computes. */
  readonly device: 'cpu';
  /** Instructions: `'scalar'`, `'avx2'`, `'avx512'`, `'avx512bf16'` or `'amx'`. */
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
  /** How many pixels the network's maps are smaller than its tiles, on each side; 0 for networks that pad. */
  readonly outputMarginPx: number;
  /** Side of the tiles that the network's authors use, pixels. */
  readonly tilePx: number;
  /** Names and colours of the classes by number, 0 is background; empty for networks without classes. */
  readonly types: readonly NucleusClass[];
  /** The checkpoint. */
  readonly weights: {
    /** The file. */
    readonly path: string;
    /** `'sha256:…'` over the file. */
    readonly sha256: string;
  };
}

/** Raw output of {@link NucleiModel.predict}. A list of pictures adds a leading axis. */
export interface PredictedMaps {
  /** f32 [height, width]: probability of nucleus. */
  readonly np: Tensor;
  /** f32 [2, height, width]: 0 horizontal, 1 vertical. */
  readonly hv: Tensor;
  /** u8 [height, width]: class, 0 background; absent for networks without classes. */
  readonly tp?: Tensor;
}

/** Options of {@link NucleiModel.predict}. */
export interface PredictOptions {
  /**
   * Which stain the picture shows.
   * @defaultValue 'he'
   */
  readonly stain?: Stain;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A network in native memory with what is known of its checkpoint. */
export interface LoadedModel {
  readonly handle: ModelHandle;
  readonly weights: ModelInfo['weights'];
  readonly threads: number;
}

/** The native function that makes the network: of one kind, or of the kind that the checkpoint holds. */
export type ModelLoader = 'hoverfastLoad' | 'hovernetLoad' | 'modelLoad';

/** Loads a network from a path, or from open weights, which stay open. */
export async function loadNetwork(
  loader: ModelLoader,
  weights: string | Weights,
  options: ModelOptions | undefined,
): Promise<LoadedModel> {
  const { precision, threads, signal } = checkModelOptions(options);
  return withWeights(weights, signal, async ({ file, about }) => {
    const source = weightsHandle(file);
    return {
      handle: await callNative(signal, (cancel) => native[loader](source, precision, cancel)),
      weights: about,
      threads,
    };
  });
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

/** What the networks that find nuclei have in common: {@link HoverFast} and {@link HoverNet}. */
export abstract class NucleiModel implements AsyncDisposable {
  /** What is really used. */
  readonly info: ModelInfo;
  readonly #threads: number;
  #handle: ModelHandle | null;

  protected constructor({ handle, weights, threads }: LoadedModel) {
    const { config, types, ...info } = native.modelInfo(handle);
    this.info = Object.freeze({
      ...info,
      config: parseConfig(config),
      device: 'cpu',
      types: Object.freeze(types.map(({ name, color }) => Object.freeze({ name, color: Object.freeze(color) }))),
      weights,
    });
    this.#threads = threads;
    this.#handle = handle;
  }

  /**
   * The plan as text: each step with its shapes, fusions, bytes and operations.
   *
   * @param size - pixels of the tile, default `info.tilePx`
   * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` for sides that the network does not take,
   * `HISTOJET_DISPOSED`; TypeError, RangeError
   */
  describe(size?: { readonly width?: number; readonly height?: number }): string {
    const handle = this.#open();
    const { width = this.info.tilePx, height = this.info.tilePx } = validate.options('size', size);
    validate.integer('width', width, 1, 16384);
    validate.integer('height', height, 1, 16384);
    return callSync(() => native.modelDescribe(handle, height, width));
  }

  /**
   * The network alone: raw maps of a picture of any size, or of several pictures of one size. The model keeps up to
   * 512 MiB of working memory for the next call until it is closed.
   *
   * @param image - RGB, or RGBA composited on white, at the network's resolution
   * @returns maps of the picture's size as tensors; `await maps.np.data()` gives the values
   * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`, `HISTOJET_OUT_OF_MEMORY`, `HISTOJET_DISPOSED`; TypeError,
   * RangeError
   */
  async predict(image: ImageInput | readonly ImageInput[], options?: PredictOptions): Promise<PredictedMaps> {
    return this.predictPatches(image, validate.options('options', options), 0);
  }

  /** Predicts with patches of this side; 0: the network's own, and the only one for networks that pad. */
  protected async predictPatches(
    image: ImageInput | readonly ImageInput[],
    { stain, signal }: PredictOptions,
    patchPx: number,
  ): Promise<PredictedMaps> {
    const handle = this.#open();
    const checkedStain = checkStain(stain);
    const batched = Array.isArray(image);
    const images = batched ? checkBatch(image) : [checkImage('image', image as ImageInput)];
    const { np, hv, tp } = await callNative(signal, (cancel) =>
      withPictures([handle], images, (pictures, model) =>
        native.modelPredict(model, pictures, batched, checkedStain, patchPx, cancel),
      ),
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
    const nuclei = await callNative(given.signal, (cancel) =>
      withPictures([handle], [picture], ([copied], model) =>
        native.modelSegment(model, copied as NativePicture, checked, cancel),
      ),
    );
    return wrapNuclei(nuclei);
  }

  /**
   * Nuclei of a whole slide, batch by batch; results do not depend on `threads`, nor on `tileSize` (but for
   * {@link HoverNet} with `compat`).
   *
   * @returns to be looped over once: nuclei in level-0 pixels, areas in square micrometres, with `types` and
   * `typeProbabilities` for networks with classes
   * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` (a slide without mpp: pass one to {@link Slide.open}),
   * `HISTOJET_CORRUPT_FILE`, `HISTOJET_IO` (also: another run uses the same checkpoints), `HISTOJET_OUT_OF_MEMORY` (a
   * ceiling that is too low), `HISTOJET_DISPOSED` (when the loop begins); TypeError, RangeError
   */
  segmentSlide(slide: Slide, options?: SegmentSlideOptions): SlideSegmentation {
    if (!(slide instanceof Slide)) throw typeError(`slide: expected a Slide, got ${validate.kindOf(slide)}`);
    const given = validate.options('options', options);
    const checked = checkSegmentSlide(given, this.#threads, `histojet ${version} ${this.info.weights.sha256}`);
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

  /** The same as {@link NucleiModel.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #open(): ModelHandle {
    if (this.#handle === null) throw disposedError('model');
    return this.#handle;
  }
}
