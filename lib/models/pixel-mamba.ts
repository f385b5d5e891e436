import { join } from 'node:path';
import { disposedError, typeError } from '../errors.js';
import { callNative } from '../internal/call.js';
import { checkImage, type ImageInput } from '../internal/image.js';
import { stagedProgress } from '../internal/progress.js';
import { checkRect } from '../internal/rect.js';
import * as validate from '../internal/validate.js';
import { native, type PixelMambaHandle, packageRoot } from '../native.js';
import { checkTissueMask } from '../slide/check-tissue.js';
import { Slide, slideHandle } from '../slide/slide.js';
import { type Weights, weightsHandle } from '../weights/weights.js';
import { Attribution } from './attribution.js';
import { type CheckedInput, type ExplainedInput, occlude, rollOut, testMap, withInput } from './attribution-calls.js';
import type { AttributionTest, AttributionTestOptions } from './attribution-test-types.js';
import type { AttributionOptions } from './attribution-types.js';
import { checkModelOptions, type ModelOptions } from './model-options.js';
import { Occlusion } from './occlusion.js';
import type { OcclusionOptions } from './occlusion-types.js';
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
  return join(packageRoot, 'weights', 'pixel-mamba-synthetic.safetensors');
}

const mostStoreBytes = 2 ** 50;

/** What is looked at, as the addon takes it. */
function checkInput(source: ImageInput | Slide, options: PixelMambaOptions): CheckedInput {
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
      withInput(handle, input, (model, seen) => native.pixelMambaPredict(model, seen, run, report, cancel)),
    );
    return predictionOf(result, this.info);
  }

  /**
   * Which parts of a slide or picture the prediction comes from: by attention roll-out through all blocks in linear time
   * (hidden attention of Ali et al. 2024, arXiv 2403.01590, never formed as a matrix), which costs about four evaluations;
   * or by painting squares over, one at a time, which needs no theory and one evaluation of what changes per square.
   *
   * @param source - as for {@link PixelMamba.predict}
   * @throws {@link HistojetError} as {@link PixelMamba.predict}, `HISTOJET_INVALID_ARGUMENT` for a target, `tokenPx` or
   * sides of squares that the network does not have, too little `maxMapBytes` or `maxEvaluations`;
   * `HISTOJET_UNSUPPORTED_FORMAT` for layers that roll-out does not follow; TypeError, RangeError
   */
  async attribute(source: ImageInput | Slide, options: OcclusionOptions): Promise<Occlusion>;
  async attribute(source: ImageInput | Slide, options?: AttributionOptions): Promise<Attribution>;
  async attribute(
    source: ImageInput | Slide,
    options?: AttributionOptions | OcclusionOptions,
  ): Promise<Attribution | Occlusion> {
    const given = validate.options('options', options);
    const method = validate.oneOf('method', given.method ?? 'rollout', ['rollout', 'occlusion']);
    const of = this.#explained(source, given);
    return method === 'occlusion' ? occlude(of, given as OcclusionOptions) : rollOut(of, given as AttributionOptions);
  }

  /**
   * Holds an attribution against the network itself: squares are painted over in the order of their relevance (deletion),
   * or uncovered (insertion), and the score is followed, beside the same in random orders. Costs `2 * steps` evaluations
   * per order.
   *
   * @param source - what was explained; the options `tissue` and `minTissue` must be those of the attribution
   * @throws {@link HistojetError} as {@link PixelMamba.predict}, `HISTOJET_INVALID_ARGUMENT` for another slide's map or a
   * `cellPx` that does not fit it; TypeError, RangeError
   */
  async testAttribution(
    source: ImageInput | Slide,
    attribution: Attribution | Occlusion,
    options?: AttributionTestOptions,
  ): Promise<AttributionTest> {
    if (!(attribution instanceof Attribution || attribution instanceof Occlusion)) {
      throw typeError(`attribution: expected an Attribution or an Occlusion, got ${validate.kindOf(attribution)}`);
    }
    const given = validate.options('options', options);
    if ('region' in given) throw typeError('region: the part that was explained is looked at, no other');
    const part = source instanceof Slide ? { region: attribution.region } : {};
    return testMap(this.#explained(source, { ...given, ...part }), attribution, given);
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

  #explained(source: ImageInput | Slide, options: PixelMambaOptions): ExplainedInput {
    return {
      handle: this.#open(),
      info: this.info,
      input: checkInput(source, options),
      run: this.#checkRun(options),
      mpp: source instanceof Slide ? source.mpp : null,
    };
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
