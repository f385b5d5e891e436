import { fileURLToPath } from 'node:url';
import { disposedError, typeError } from '../errors.js';
import { callNative } from '../internal/call.js';
import { checkImage, type ImageInput } from '../internal/image.js';
import type { NativePixelMambaInput } from '../internal/native-pixel-mamba.js';
import { stagedProgress } from '../internal/progress.js';
import { checkRect } from '../internal/rect.js';
import { version } from '../internal/system-info.js';
import * as validate from '../internal/validate.js';
import { native, type PixelMambaHandle } from '../native.js';
import { checkTissueMask } from '../slide/check-tissue.js';
import { Slide, slideHandle } from '../slide/slide.js';
import { type Weights, weightsHandle } from '../weights/weights.js';
import { Attribution } from './attribution.js';
import type { AttributionOptions } from './attribution-types.js';
import { checkModelOptions, type ModelOptions } from './model-options.js';
import { predictionOf } from './pixel-mamba-prediction.js';
import type { PixelMambaInfo, PixelMambaOptions, PixelMambaPrediction } from './pixel-mamba-types.js';
import { type OpenedWeights, withWeights } from './with-weights.js';

/** Options of {@link PixelMamba.load}. */
export interface PixelMambaLoadOptions extends ModelOptions {
  /**
   * The configuration (`pixel-mamba/1`) of a checkpoint that does not carry one.
   * @defaultValue the metadata `config` of the checkpoint
   */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** The weights that come with the package: trained to grade synthetic slides, for trying things out. */
export function defaultPixelMambaPath(): string {
  return fileURLToPath(new URL('../../weights/pixel-mamba-synthetic.safetensors', import.meta.url));
}

const mostStoreBytes = 2 ** 50;
const weightings = ['contribution', 'channels', 'attention'] as const;

/** What is looked at, as the addon takes it. */
function checkInput(source: ImageInput | Slide, options: PixelMambaOptions): NativePixelMambaInput {
  const { region, tissue, minTissue } = options;
  if (!(source instanceof Slide)) {
    for (const [name, value] of Object.entries({ region, tissue, minTissue })) {
      if (value !== undefined) throw typeError(`${name}: only slides have this option, got a picture`);
    }
    return { image: checkImage('image', source) };
  }
  if (tissue !== undefined && typeof tissue !== 'boolean' && typeof tissue !== 'object') {
    throw typeError(`tissue: expected a boolean or a TissueMask, got ${validate.kindOf(tissue)}`);
  }
  return {
    slide: slideHandle(source),
    region: region === undefined ? undefined : checkRect('region', region),
    findTissue: typeof tissue === 'boolean' ? tissue : undefined,
    tissueMask: typeof tissue === 'object' ? checkTissueMask('tissue', tissue) : undefined,
    minTissue: validate.optional('minTissue', minTissue, validate.number, 0, 1),
  };
}

/**
 * Pixel-Mamba-style networks, definition `pixel-mamba/1`: every pixel of a slide is a token, state-space layers read them
 * region by region, four tokens become one from stage to stage, and memory stays bounded whatever the size (after Qiu et
 * al. 2024, arXiv 2412.16711, which came without code or weights; `docs/pixel-mamba.md` tells what is theirs and what
 * our choice).
 *
 * @example
 * await using model = await PixelMamba.load('stage.safetensors');
 * await using slide = await Slide.open('case-17.svs');
 * const result = await model.predict(slide);
 * if (result.head === 'ordinal') console.log(result.label, result.probabilities);
 */
export class PixelMamba implements AsyncDisposable {
  /** What is really used. */
  readonly info: PixelMambaInfo;
  readonly #threads: number;
  #handle: PixelMambaHandle | null;

  private constructor(handle: PixelMambaHandle, weights: PixelMambaInfo['weights'], threads: number) {
    const { config, head, labels, ...info } = native.pixelMambaInfo(handle);
    this.info = Object.freeze({
      architecture: 'pixel-mamba/1',
      device: 'cpu',
      ...info,
      config: Object.freeze(JSON.parse(config) as Record<string, unknown>),
      head,
      labels: Object.freeze(labels),
      weights,
    });
    this.#threads = threads;
    this.#handle = handle;
  }

  /**
   * Loads a network: safetensors or a PyTorch checkpoint with the names of `docs/pixel-mamba.md`.
   *
   * @param weights - a path or open weights (which stay open); without them the packaged ones, see
   * {@link defaultPixelMambaPath}
   * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` (the configuration; the message names the JSON path),
   * `HISTOJET_MISSING_WEIGHT`, `HISTOJET_SHAPE_MISMATCH` (names and both shapes), `HISTOJET_UNSUPPORTED_FORMAT`,
   * `HISTOJET_DEVICE_UNAVAILABLE`, and whatever {@link Weights.open} throws; TypeError, RangeError
   */
  static async load(weights?: string | Weights, options?: PixelMambaLoadOptions): Promise<PixelMamba> {
    const { precision, threads, signal } = checkModelOptions(options);
    const config = options?.config === undefined ? undefined : JSON.stringify(options.config);
    return withWeights(weights ?? defaultPixelMambaPath(), signal, async ({ file, about }: OpenedWeights) => {
      const source = weightsHandle(file);
      const handle = await callNative(signal, (cancel) => native.pixelMambaLoad(source, precision, config, cancel));
      return new PixelMamba(handle, about, threads);
    });
  }

  /**
   * Reads a whole slide, a part of it, or a picture, and says what the head says.
   *
   * Memory depends neither on the slide nor on the number of regions, but for the tokens of stages that look back over
   * the whole slide, of which `maxMemoryBytes` stay in memory. Results depend neither on that nor on `threads`.
   *
   * @param source - a slide (read at the network's resolution), or RGB pixels at that resolution; alpha is composited
   * on white
   * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` (a slide without mpp: pass one to {@link Slide.open}; no
   * tissue in the region), `HISTOJET_CORRUPT_FILE`, `HISTOJET_IO`, `HISTOJET_OUT_OF_MEMORY`, `HISTOJET_DISPOSED`;
   * TypeError, RangeError
   */
  async predict(source: ImageInput | Slide, options?: PixelMambaOptions): Promise<PixelMambaPrediction> {
    const handle = this.#open();
    const given = validate.options('options', options);
    const input = checkInput(source, given);
    const run = this.#checkRun(given);
    const report = stagedProgress(validate.callback('onProgress', given.onProgress));
    const result = await callNative(given.signal, (cancel) =>
      native.pixelMambaPredict(handle, input, run, report, cancel),
    );
    return predictionOf(result, this.info);
  }

  /**
   * Which parts of a slide or picture the prediction comes from: attention roll-out through all blocks in linear time
   * (hidden attention of Ali et al. 2024, arXiv 2403.01590, never formed as a matrix). Costs about four evaluations.
   *
   * @param source - as for {@link PixelMamba.predict}
   * @throws {@link HistojetError} as {@link PixelMamba.predict}, and `HISTOJET_INVALID_ARGUMENT` for a target, `tokenPx` or
   * `localPx` that the network does not have, or too little `maxMapBytes`; TypeError, RangeError
   */
  async attribute(source: ImageInput | Slide, options?: AttributionOptions): Promise<Attribution> {
    const handle = this.#open();
    const given = validate.options('options', options);
    const input = checkInput(source, given);
    const target = given.target ?? (await this.#targetOf(source, given));
    const run = {
      ...this.#checkRun(given),
      output: target === 'features' ? undefined : validate.integer('target', target, 0, 2 ** 31),
      tokenPx: validate.optional('tokenPx', given.tokenPx, validate.integer, 1, 2 ** 20),
      localPx: validate.optional('localPx', given.localPx, validate.integer, 1, 2 ** 20),
      signed: validate.boolean('signed', given.signed ?? false),
      weighting: validate.oneOf('weighting', given.weighting ?? 'contribution', weightings),
      mapBytes: validate.optional('maxMapBytes', given.maxMapBytes, validate.integer, 1, mostStoreBytes),
    };
    const report = stagedProgress(validate.callback('onProgress', given.onProgress));
    const found = await callNative(given.signal, (cancel) =>
      native.pixelMambaAttribute(handle, input, run, report, cancel),
    );
    const { sha256 } = this.info.weights;
    return new Attribution({
      found,
      prediction: predictionOf(found.prediction, this.info),
      target: run.output ?? null,
      mpp: source instanceof Slide ? source.mpp : null,
      provenance: { software: 'histojet', version, model: { name: this.info.architecture, weights: sha256 } },
    });
  }

  /** Frees the weights once running calls are done. Closing twice is fine. */
  async close(): Promise<void> {
    if (this.#handle !== null) native.pixelMambaClose(this.#handle);
    this.#handle = null;
  }

  /** The same as {@link PixelMamba.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The output that is explained unless the caller names one. */
  async #targetOf(source: ImageInput | Slide, options: PixelMambaOptions): Promise<number | 'features'> {
    const { head } = this.info;
    if (head === 'cox') return 0;
    if (head !== 'classification' && head !== 'ordinal') return 'features';
    const { onProgress: _, ...quiet } = options;
    const prediction = await this.predict(source, quiet);
    if (!('classIndex' in prediction)) return 'features';
    return head === 'ordinal' ? Math.max(0, prediction.classIndex - 1) : prediction.classIndex;
  }

  #checkRun({ streaming = true, maxMemoryBytes, spillDir }: PixelMambaOptions) {
    const inMemory = !validate.boolean('streaming', streaming);
    const storeBytes = validate.optional('maxMemoryBytes', maxMemoryBytes, validate.integer, 0, mostStoreBytes);
    return {
      threads: this.#threads,
      storeBytes: inMemory ? mostStoreBytes : storeBytes,
      spillDir: validate.optional('spillDir', spillDir, validate.text),
    };
  }

  #open(): PixelMambaHandle {
    if (this.#handle === null) throw disposedError('model');
    return this.#handle;
  }
}
