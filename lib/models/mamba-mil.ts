import { disposedError } from '../errors.js';
import { callNative } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { type MambaMilHandle, native } from '../native.js';
import { type TensorInput, tensorHandle, toTensor } from '../tensor/tensor.js';
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
   * Kind of mixer. Weights without a second branch are `'Mamba'` whatever is said here.
   * @defaultValue 'SRMamba'
   */
  readonly type?: 'Mamba' | 'BiMamba' | 'SRMamba';
  /**
   * How far apart neighbours of the reordered sequence lie (`'SRMamba'`).
   * @defaultValue 10
   */
  readonly rate?: number;
  /**
   * The function behind the first layer.
   * @defaultValue 'relu'
   */
  readonly act?: 'relu' | 'gelu';
  /**
   * Whether the outputs are intervals of time, not classes.
   * @defaultValue false
   */
  readonly survival?: boolean;
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
  /** How much each tile counts, in the order of the features; adds up to 1. */
  readonly attention: Float32Array;
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

/** What {@link MambaMil.predict} returns; `head` tells which fields there are. */
export type MilPrediction = MilClassification | MilSurvival;

/** The options as the addon takes them. */
function checkMilConfig(given: MambaMilConfig | undefined) {
  const { type, rate, act, survival } = checkConfig(given, ['type', 'rate', 'act', 'survival']);
  return {
    type: validate.oneOf('config.type', type ?? 'SRMamba', ['Mamba', 'BiMamba', 'SRMamba']),
    rate: validate.integer('config.rate', rate ?? 10, 1, 2 ** 31),
    gelu: validate.oneOf('config.act', act ?? 'relu', ['relu', 'gelu']) === 'gelu',
    survival: validate.boolean('config.survival', survival ?? false),
  };
}

/**
 * MambaMIL (Yang et al. 2024, arXiv 2403.06800): a slide's class or risk from the features of its tiles.
 *
 * @example
 * await using mil = await MambaMil.load('s_0_checkpoint.pt');
 * const slide = await mil.predict({ data: features, shape: [tiles, 1024] });
 * if (slide.head === 'classification') console.log(slide.classIndex, slide.attention);
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
   * order in which the network was trained to see them (its authors': as the tiles were cut, row by row)
   * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH` (no tiles, another number of values),
   * `HISTOJET_INVALID_ARGUMENT` (a feature that is no number, with its position), `HISTOJET_OUT_OF_MEMORY`,
   * `HISTOJET_DISPOSED`; TypeError, RangeError
   */
  async predict(features: TensorInput, options?: { readonly signal?: AbortSignal }): Promise<MilPrediction> {
    const handle = this.#open();
    const { signal } = validate.options('options', options);
    const tensor = tensorHandle(toTensor('features', features));
    const found = await callNative(signal, (cancel) => native.mambaMilPredict(handle, tensor, this.#threads, cancel));
    const base = { features: found.features, logits: found.logits, attention: found.attention };
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
