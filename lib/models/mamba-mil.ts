import { disposedError } from '../errors.js';
import { callNative } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { type MambaMilHandle, native } from '../native.js';
import { type TensorInput, tensorHandle } from '../tensor/tensor.js';
import { withTensors } from '../tensor/tensor-inputs.js';
import { type Weights, weightsHandle } from '../weights/weights.js';
import { checkModelOptions } from './model-options.js';
import {
  type ChosenClass,
  checkConfig,
  checkLabels,
  chosenClass,
  type TokenModelInfo,
  type TokenModelOptions,
  tokenModelInfo,
} from './token-model-info.js';
import { withWeights } from './with-weights.js';

/** What the shapes of MambaMIL's weights do not tell; names of the published code. */
export interface MambaMilConfig {
  /**
   * Kind of mixer. Weights without a second branch are `'Mamba'`, and those with `layers.pad_token` `'2DMamba'`,
   * whatever is said here.
   * @defaultValue 'SRMamba'
   */
  readonly type?: 'Mamba' | 'BiMamba' | 'SRMamba' | '2DMamba';
  /**
   * How far apart neighbours of the reordered sequence lie (`'SRMamba'`).
   * @defaultValue 10
   */
  readonly rate?: number;
  /**
   * The function behind the first layer.
   * @defaultValue 'relu', and 'gelu' for `'2DMamba'`
   */
  readonly act?: 'relu' | 'gelu';
  /**
   * Whether the outputs are intervals of time, not classes.
   * @defaultValue false
   */
  readonly survival?: boolean;
  /**
   * `'2DMamba'`: side of a cell of the grid on which the tiles lie, px of the coordinates.
   * @defaultValue 512
   */
  readonly mamba_2d_patch_size?: number;
  /** `'2DMamba'`: width of the training's widest slide, px of the coordinates; must be given. */
  readonly mamba_2d_max_w?: number;
  /** `'2DMamba'`: height of the training's highest slide, px of the coordinates; must be given. */
  readonly mamba_2d_max_h?: number;
}

/** Options of {@link MambaMil.load}. */
export interface MambaMilOptions extends TokenModelOptions {
  /** What the shapes of the weights do not tell. */
  readonly config?: MambaMilConfig;
}

/** What every prediction of {@link MambaMil.predict} holds. */
interface MilPredictionBase {
  /** The slide's vector: mean over the tiles, weighted with `attention`. */
  readonly features: Float32Array;
  /** Outputs of the head as they are. */
  readonly logits: Float32Array;
  /** How much each tile counts, in the order of the features; adds up to 1 with `emptyAttention`. */
  readonly attention: Float32Array;
  /** `'2DMamba'`: how much the cells without a tile count together; else 0. */
  readonly emptyAttention: number;
}

/** One of several classes. */
export interface MilClassification extends MilPredictionBase, ChosenClass {
  readonly head: 'classification';
}

/** Survival in intervals of time. */
export interface MilSurvival extends MilPredictionBase {
  readonly head: 'survival_discrete';
  /** Of each interval: probability of the event in it, for those who reach it. */
  readonly hazards: Float64Array;
  /** Of each interval: probability of outliving it. */
  readonly survival: Float64Array;
  /** Minus the sum of `survival`: larger is worse. */
  readonly risk: number;
}

/** Options of {@link MambaMil.predict}. */
export interface MilPredictOptions {
  /**
   * For `'2DMamba'`, and for no other: where the tiles lie, a Tensor or { data, shape } of [tiles, 2], x and y of the
   * upper left corner, px of level 0 (or whatever the training counted in).
   */
  readonly coordinates?: TensorInput;
  /** Stops the work. */
  readonly signal?: AbortSignal;
}

/** What {@link MambaMil.predict} returns; `head` tells which fields there are. */
export type MilPrediction = MilClassification | MilSurvival;

/** The options as the addon takes them. */
function checkMilConfig(given: MambaMilConfig | undefined) {
  const known = ['type', 'rate', 'act', 'survival', 'mamba_2d_patch_size', 'mamba_2d_max_w', 'mamba_2d_max_h'] as const;
  const config = checkConfig(given, known);
  const { type, rate, act, survival } = config;
  const side = (name: 'mamba_2d_patch_size' | 'mamba_2d_max_w' | 'mamba_2d_max_h') => {
    const value = config[name];
    return value === undefined ? undefined : validate.integer(`config.${name}`, value, 1, 2 ** 40);
  };
  return {
    type: validate.oneOf('config.type', type ?? 'SRMamba', ['Mamba', 'BiMamba', 'SRMamba', '2DMamba']),
    rate: validate.integer('config.rate', rate ?? 10, 1, 2 ** 31),
    gelu: act === undefined ? undefined : validate.oneOf('config.act', act, ['relu', 'gelu']) === 'gelu',
    survival: validate.boolean('config.survival', survival ?? false),
    patchSize: side('mamba_2d_patch_size') ?? 512,
    maxWidth: side('mamba_2d_max_w'),
    maxHeight: side('mamba_2d_max_h'),
  };
}

/**
 * MambaMIL (Yang et al. 2024, arXiv 2403.06800) and 2DMambaMIL (Zhang et al. 2025, arXiv 2412.00678): a slide's class
 * or risk from the features of its tiles.
 *
 * @example
 * await using mil = await MambaMil.load('s_0_checkpoint.pt');
 * const slide = await mil.predict({ data: features, shape: [tiles, 1024] });
 * if (slide.head === 'classification') console.log(slide.classIndex, slide.attention);
 *
 * @example
 * const config = { mamba_2d_patch_size: 512, mamba_2d_max_w: 197_796, mamba_2d_max_h: 110_976 };
 * await using mil = await MambaMil.load('2dmamba.pt', { config });
 * const slide = await mil.predict(features, { coordinates: { data: xy, shape: [tiles, 2] } });
 */
export class MambaMil implements AsyncDisposable {
  /** What is really used. */
  readonly info: TokenModelInfo;
  readonly #threads: number;
  #handle: MambaMilHandle | null;

  private constructor(handle: MambaMilHandle, info: TokenModelInfo, threads: number) {
    this.info = info;
    this.#threads = threads;
    this.#handle = handle;
  }

  /**
   * Loads a network: a published checkpoint or safetensors with the same names; `docs/mamba-models.md` lists them.
   *
   * @param weights - a path or open weights (which stay open)
   * @throws {@link HistojetError} `HISTOJET_MISSING_WEIGHT`, `HISTOJET_SHAPE_MISMATCH` (names and both shapes),
   * `HISTOJET_UNSUPPORTED_FORMAT` (tensors that MambaMIL does not have), `HISTOJET_INVALID_ARGUMENT`,
   * `HISTOJET_DEVICE_UNAVAILABLE`, and whatever {@link Weights.open} throws; TypeError, RangeError
   */
  static async load(weights: string | Weights, options?: MambaMilOptions): Promise<MambaMil> {
    const given = validate.options('options', options);
    const { precision, threads, signal } = checkModelOptions(given);
    const labels = checkLabels(given.labels);
    const config = checkMilConfig(given.config);
    return withWeights(weights, signal, async ({ file, about }) => {
      const source = weightsHandle(file);
      const handle = await callNative(signal, (cancel) => native.mambaMilLoad(source, precision, config, cancel));
      try {
        const info = tokenModelInfo('mamba-mil', native.mambaMilInfo(handle), { weights: about, labels });
        return new MambaMil(handle, info, threads);
      } catch (error) {
        native.mambaMilClose(handle);
        throw error;
      }
    });
  }

  /**
   * Looks at all tiles of a slide.
   *
   * @param features - a Tensor or { data, shape } of [tiles, values], floats of any width: one row per tile, in the
   * order in which the network was trained to see them (its authors': as the tiles were cut, row by row). The order
   * does not matter for `'2DMamba'`, which goes by the coordinates
   * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH` (no tiles, another number of values),
   * `HISTOJET_INVALID_ARGUMENT` (a feature that is no number, with its position; coordinates that are missing, not
   * wanted, beyond the grid, or two in one cell of it), `HISTOJET_OUT_OF_MEMORY`, `HISTOJET_DISPOSED`; TypeError,
   * RangeError
   */
  async predict(features: TensorInput, options?: MilPredictOptions): Promise<MilPrediction> {
    const handle = this.#open();
    const { coordinates, signal } = validate.options('options', options);
    const given = { features, ...(coordinates !== undefined && { coordinates }) };
    const found = await withTensors([handle], given, (tensors, model) => {
      const rows = tensorHandle(tensors.features);
      const places = tensors.coordinates && tensorHandle(tensors.coordinates);
      return callNative(signal, (cancel) => native.mambaMilPredict(model, rows, this.#threads, cancel, places));
    });
    const { attention, emptyAttention } = found;
    const base = { features: found.features, logits: found.logits, attention, emptyAttention };
    if (this.info.config.survival === true) {
      const { hazards, survival, risk } = found;
      return { head: 'survival_discrete', ...base, hazards, survival, risk };
    }
    return { head: 'classification', ...base, ...chosenClass(found.probabilities, this.info.labels) };
  }

  /** Frees the weights once running calls are done. Closing twice is fine. */
  async close(): Promise<void> {
    if (this.#handle !== null) native.mambaMilClose(this.#handle);
    this.#handle = null;
  }

  /** The same as {@link MambaMil.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #open(): MambaMilHandle {
    if (this.#handle === null) throw disposedError('model');
    return this.#handle;
  }
}
