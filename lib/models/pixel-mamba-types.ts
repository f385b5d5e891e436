import type { ProgressListener } from '../internal/progress.js';
import type { Rect } from '../internal/rect.js';
import type { TissueMask } from '../slide/slide-types.js';
import type { Precision } from './model-options.js';

/** What {@link PixelMamba} decides: see {@link PixelMambaPrediction}. */
export type PixelMambaHead = PixelMambaPrediction['head'];

/** What is really used. */
export interface PixelMambaInfo {
  /** Name of the definition that the network follows. */
  readonly architecture: 'pixel-mamba/1';
  /** The whole configuration, defaults written out; see `docs/pixel-mamba.md`. */
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
  /** What it decides. */
  readonly head: PixelMambaHead;
  /** Names of the classes, grades or intervals; empty when the checkpoint has none. */
  readonly labels: readonly string[];
  /** The checkpoint. */
  readonly weights: {
    /** The file. */
    readonly path: string;
    /** `'sha256:…'` over the file. */
    readonly sha256: string;
  };
}

/** What every prediction of {@link PixelMamba.predict} holds. */
interface PredictionBase {
  /** The pooled vector that the head sees. */
  readonly features: Float32Array;
  /** Outputs of the head as they are. */
  readonly logits: Float32Array;
  /** Regions that were looked at. */
  readonly regions: number;
  /** Regions that were left out for lack of tissue. */
  readonly regionsSkipped: number;
  /** Tokens of the last stage that were pooled. */
  readonly tokensPooled: number;
  /** Tokens that waited in a temporary file, in bytes. */
  readonly spilledBytes: number;
  /** What to know of how it came about, for example a resolution that was assumed. */
  readonly warnings: readonly string[];
}

/** One of several classes, or of ordered grades. */
interface ChosenClass {
  /** Number of the most probable class, from 0; the first of equals. */
  readonly classIndex: number;
  /** Its name; its number as text when the checkpoint names none. */
  readonly label: string;
  /** Probability of each class; they add up to 1. */
  readonly probabilities: Float64Array;
}

/** Classes without order (softmax). */
export interface ClassificationPrediction extends PredictionBase, ChosenClass {
  readonly head: 'classification';
}

/** Ordered grades, one more than outputs. */
export interface OrdinalPrediction extends PredictionBase, ChosenClass {
  readonly head: 'ordinal';
  /** `above[k]`: probability of a grade above k. */
  readonly above: Float64Array;
}

/** Survival in intervals of time. */
export interface SurvivalPrediction extends PredictionBase {
  readonly head: 'survival_discrete';
  /** Of each interval: probability of the event in it, for those who reach it. */
  readonly hazards: Float64Array;
  /** Of each interval: probability of outliving it. */
  readonly survival: Float64Array;
  /** Minus the sum of `survival`: larger is worse. */
  readonly risk: number;
}

/** Proportional hazards. */
export interface CoxPrediction extends PredictionBase {
  readonly head: 'cox';
  /** Logarithm of the relative risk. */
  readonly risk: number;
}

/** Numbers. */
export interface RegressionPrediction extends PredictionBase {
  readonly head: 'regression';
  /** The outputs. */
  readonly values: Float64Array;
}

/** What {@link PixelMamba.predict} returns; `head` tells which fields there are. */
export type PixelMambaPrediction =
  | ClassificationPrediction
  | OrdinalPrediction
  | SurvivalPrediction
  | CoxPrediction
  | RegressionPrediction;

/** Options of {@link PixelMamba.predict}. */
export interface PixelMambaOptions {
  /**
   * Which part of the slide, in level-0 pixels; cut to the slide. Not for pictures.
   * @defaultValue the whole slide
   */
  readonly region?: Rect;
  /**
   * Leaves out regions without tissue: by this mask, or (true) by the one that {@link Slide.tissueMask} makes. Not for
   * pictures.
   * @defaultValue what the configuration says (`input.tissue_mask`)
   */
  readonly tissue?: TissueMask | boolean;
  /**
   * A region is left out when its share of tissue is below this.
   * @defaultValue what the configuration says (`input.min_tissue`)
   */
  readonly minTissue?: number;
  /**
   * Whether tokens that a stage has to keep for the whole slide may wait in a temporary file; the result is the same.
   * @defaultValue true
   */
  readonly streaming?: boolean;
  /**
   * Memory for those tokens, bytes.
   * @defaultValue 1 GiB
   */
  readonly maxMemoryBytes?: number;
  /**
   * Folder for that file.
   * @defaultValue the system's folder for temporary files
   */
  readonly spillDir?: string;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called at most ten times a second; `stage` is `'regions'`, then the stages that look at the whole slide. */
  readonly onProgress?: ProgressListener;
}
