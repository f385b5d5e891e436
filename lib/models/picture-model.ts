import { disposedError, typeError } from '../errors.js';
import { withPictures } from '../internal/array-copy.js';
import { callNative } from '../internal/call.js';
import { checkImage, type ImageInput } from '../internal/image.js';
import type { NativePixelScale, NativeTokenModelInfo } from '../internal/native-token-models.js';
import * as validate from '../internal/validate.js';
import type { WeightsHandle } from '../native.js';
import {
  type CancelHandle,
  type NativeImage,
  type NativePicture,
  native,
  type PictureModelHandle,
  type TensorHandle,
} from '../native.js';
import { type TensorInput, tensorHandle } from '../tensor/tensor.js';
import { withTensors } from '../tensor/tensor-inputs.js';
import { type Weights, weightsHandle } from '../weights/weights.js';
import { checkModelOptions } from './model-options.js';
import {
  type ChosenClass,
  checkLabels,
  chosenClass,
  type TokenModelInfo,
  type TokenModelOptions,
  tokenModelInfo,
} from './token-model-info.js';
import { withWeights } from './with-weights.js';

/** Options of loading that {@link VisionMamba} and {@link VMamba} share. */
export interface PictureModelOptions extends TokenModelOptions {
  /**
   * Pixels become (value / 255 - mean) / std before the network sees them: red, green, blue.
   * @defaultValue ImageNet's, [0.485, 0.456, 0.406]
   */
  readonly mean?: readonly [number, number, number];
  /**
   * See {@link PictureModelOptions.mean}; above 0.
   * @defaultValue ImageNet's, [0.229, 0.224, 0.225]
   */
  readonly std?: readonly [number, number, number];
}

/** What {@link PictureModel.predict} returns for each picture. */
export interface PicturePrediction extends ChosenClass {
  /** The vector that the head sees. */
  readonly features: Float32Array;
  /** Outputs of the head as they are; empty for a network without head. */
  readonly logits: Float32Array;
}

/** A network in native memory, and what is known of it. */
export interface LoadedPictureModel {
  readonly handle: PictureModelHandle;
  readonly info: TokenModelInfo;
  readonly threads: number;
}

/** A number for each channel. */
function channelNumbers(
  name: string,
  value: readonly number[] | undefined,
  check: (name: string, value: unknown) => number,
): readonly number[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length !== 3) {
    throw typeError(`${name}: expected [red, green, blue], got ${validate.kindOf(value)}`);
  }
  return value.map((part, i) => check(`${name}[${i}]`, part));
}

/** The work behind `load` of a network for pictures. */
export async function loadPictureModel(
  architecture: 'vision-mamba' | 'vmamba',
  weights: string | Weights,
  options: PictureModelOptions,
  make: (
    weights: WeightsHandle,
    precision: string,
    scale: NativePixelScale,
    cancel: CancelHandle | undefined,
  ) => Promise<PictureModelHandle>,
  configOf: (told: NativeTokenModelInfo) => Readonly<Record<string, unknown>> = () => ({}),
): Promise<LoadedPictureModel> {
  const { precision, threads, signal } = checkModelOptions(options);
  const labels = checkLabels(options.labels);
  const scale = {
    mean: channelNumbers('mean', options.mean, validate.number),
    std: channelNumbers('std', options.std, validate.positive),
  };
  return withWeights(weights, signal, async ({ file, about }) => {
    const source = weightsHandle(file);
    const handle = await callNative(signal, (cancel) => make(source, precision, scale, cancel));
    try {
      const told = native.pictureModelInfo(handle);
      const info = tokenModelInfo(architecture, told, { weights: about, labels, config: configOf(told) });
      return { handle, info, threads };
    } catch (error) {
      native.pictureModelClose(handle);
      throw error;
    }
  });
}

/** Pictures as the addon takes them, or a tensor. */
function checkPictures(value: ImageInput | readonly ImageInput[] | TensorInput): readonly NativeImage[] | TensorInput {
  if (typeof value !== 'object' || value === null) {
    throw typeError(`image: expected a picture, an array of pictures or a Tensor, got ${validate.kindOf(value)}`);
  }
  if (Array.isArray(value)) return value.map((image, i) => checkImage(`images[${i}]`, image as ImageInput));
  return 'shape' in value ? (value as TensorInput) : [checkImage('image', value as ImageInput)];
}

/** What the networks that classify pictures have in common: {@link VisionMamba} and {@link VMamba}. */
export abstract class PictureModel implements AsyncDisposable {
  /** What is really used. */
  readonly info: TokenModelInfo;
  readonly #threads: number;
  #handle: PictureModelHandle | null;

  protected constructor({ handle, info, threads }: LoadedPictureModel) {
    this.info = info;
    this.#threads = threads;
    this.#handle = handle;
  }

  /**
   * Classifies one picture, RGB or RGBA composited on white, of a size that the network takes. Pictures are neither
   * resized nor cut.
   *
   * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH` for another size, `HISTOJET_INVALID_ARGUMENT` for a result
   * that is no number, `HISTOJET_OUT_OF_MEMORY`, `HISTOJET_DISPOSED`; TypeError, RangeError
   */
  async predict(image: ImageInput, options?: { readonly signal?: AbortSignal }): Promise<PicturePrediction>;
  /**
   * Classifies several pictures, in their order; they may differ in size where the network allows it. Or the values
   * that the network is to see, already normalised: a Tensor or { data, shape } of [pictures, 3, height, width], such
   * as {@link Slide.readBatch} makes with `layout: 'nchw'` and `normalize`. Results are those of the pictures one by one.
   */
  async predict(
    images: readonly ImageInput[] | TensorInput,
    options?: { readonly signal?: AbortSignal },
  ): Promise<PicturePrediction[]>;
  async predict(
    image: ImageInput | readonly ImageInput[] | TensorInput,
    options?: { readonly signal?: AbortSignal },
  ): Promise<PicturePrediction | PicturePrediction[]> {
    const handle = this.#open();
    const { signal } = validate.options('options', options);
    const input = checkPictures(image);
    const run = (model: PictureModelHandle, pictures: readonly NativePicture[] | TensorHandle) =>
      callNative(signal, (cancel) => native.pictureModelPredict(model, pictures, this.#threads, cancel));
    const found = await ('shape' in input
      ? withTensors([handle], { pictures: input }, ({ pictures }, model) => run(model, tensorHandle(pictures)))
      : withPictures([handle], input, (pictures, model) => run(model, pictures)));
    const predictions = found.map(({ features, logits, probabilities }) => ({
      ...chosenClass(probabilities, this.info.labels),
      features,
      logits,
    }));
    const [first] = predictions;
    return Array.isArray(image) || 'shape' in image || first === undefined ? predictions : first;
  }

  /** Frees the weights once running calls are done. Closing twice is fine. */
  async close(): Promise<void> {
    if (this.#handle !== null) native.pictureModelClose(this.#handle);
    this.#handle = null;
  }

  /** The same as {@link PictureModel.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #open(): PictureModelHandle {
    if (this.#handle === null) throw disposedError('model');
    return this.#handle;
  }
}
