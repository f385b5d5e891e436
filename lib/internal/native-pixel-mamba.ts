import type {
  CancelHandle,
  NativeMask,
  NativePicture,
  NativeRect,
  PixelMambaHandle,
  SlideHandle,
  WeightsHandle,
} from '../native.js';

type Cancel = CancelHandle | undefined;
type StageReport = ((done: number, total: number, stage: string) => void) | undefined;

/** A picture, or a slide with what is looked at there; undefined: as the network's configuration says. */
export type NativePixelMambaInput =
  | { readonly image: NativePicture }
  | {
      readonly slide: SlideHandle;
      readonly region: NativeRect | undefined;
      readonly findTissue: boolean | undefined;
      readonly tissueMask: NativeMask | undefined;
      readonly minTissue: number | undefined;
    };
export interface NativePixelMambaRun {
  readonly threads: number;
  readonly storeBytes: number | undefined;
  readonly spillDir: string | undefined;
}
export interface NativePixelMambaInfo {
  readonly config: string;
  readonly isa: string;
  readonly precision: 'high' | 'float32' | 'fast';
  readonly parameters: number;
  readonly memoryBytes: number;
  readonly mpp: number;
  readonly head: 'classification' | 'ordinal' | 'survival_discrete' | 'cox' | 'regression';
  readonly labels: string[];
}
export interface NativePixelMambaResult {
  readonly features: Float32Array;
  readonly logits: Float32Array;
  readonly probabilities: Float64Array;
  readonly above: Float64Array;
  readonly hazards: Float64Array;
  readonly survival: Float64Array;
  readonly risk: number;
  readonly values: Float64Array;
  readonly regions: number;
  readonly regionsSkipped: number;
  readonly tokensPooled: number;
  readonly spilledBytes: number;
  readonly warnings: string[];
}
/** Number of an output; `'predicted'`: the one that stands for the prediction. */
export type NativeTarget = number | 'features' | 'predicted';
export interface NativeAttributionRun extends NativePixelMambaRun {
  readonly target: NativeTarget;
  readonly tokenPx: number | undefined;
  readonly localPx: number | undefined;
  readonly signed: boolean;
  readonly weighting: 'contribution' | 'channels' | 'attention';
  readonly mapBytes: number | undefined;
}
export interface NativeRelevanceMap {
  readonly stage: number;
  readonly tokenPx: number;
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
  readonly local: Float32Array;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly localShare: number;
}
export interface NativeAttribution {
  readonly prediction: NativePixelMambaResult;
  /** Below 0: none. */
  readonly output: number;
  readonly maps: NativeRelevanceMap[];
  readonly total: number;
  readonly part: NativeRect;
  readonly scaleX: number;
  readonly scaleY: number;
}

export interface NativeOcclusionRun extends NativePixelMambaRun {
  readonly target: NativeTarget;
  readonly coarsestPx: number | undefined;
  readonly finestPx: number | undefined;
  readonly maxEvaluations: number | undefined;
}
export interface NativeOcclusion {
  readonly prediction: NativePixelMambaResult;
  /** Below 0: none. */
  readonly output: number;
  readonly score: number;
  /** x, y, side and change of every square, in turn; pixels of the network's resolution. */
  readonly squares: Float64Array;
  readonly evaluations: number;
  readonly regionsComputed: number;
  readonly finestPx: number;
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly part: NativeRect;
  readonly scaleX: number;
  readonly scaleY: number;
}
export interface NativeMapValues {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly tokenPx: number;
}
export interface NativeMapTestRun extends NativePixelMambaRun {
  readonly target: NativeTarget;
  readonly cellPx: number | undefined;
  readonly steps: number;
  readonly randomOrders: number;
  readonly seed: number;
}
export interface NativeCurve {
  readonly share: Float64Array;
  readonly score: Float64Array;
  readonly area: number;
}
export interface NativeCurves {
  readonly deletion: NativeCurve;
  readonly insertion: NativeCurve;
}
export interface NativeMapTest extends NativeCurves {
  readonly output: number;
  readonly cellPx: number;
  readonly squares: number;
  readonly random: NativeCurves[];
}

/** The addon's functions for Pixel-Mamba networks. */
export interface NativePixelMamba {
  pixelMambaLoad(
    weights: WeightsHandle,
    precision: string,
    config: string | undefined,
    cancel: Cancel,
  ): Promise<PixelMambaHandle>;
  pixelMambaInfo(model: PixelMambaHandle): NativePixelMambaInfo;
  pixelMambaPredict(
    model: PixelMambaHandle,
    input: NativePixelMambaInput,
    run: NativePixelMambaRun,
    progress: StageReport,
    cancel: Cancel,
  ): Promise<NativePixelMambaResult>;
  pixelMambaAttribute(
    model: PixelMambaHandle,
    input: NativePixelMambaInput,
    run: NativeAttributionRun,
    progress: StageReport,
    cancel: Cancel,
  ): Promise<NativeAttribution>;
  pixelMambaOcclude(
    model: PixelMambaHandle,
    input: NativePixelMambaInput,
    run: NativeOcclusionRun,
    progress: StageReport,
    cancel: Cancel,
  ): Promise<NativeOcclusion>;
  pixelMambaTestMap(
    model: PixelMambaHandle,
    input: NativePixelMambaInput,
    map: NativeMapValues,
    run: NativeMapTestRun,
    progress: StageReport,
    cancel: Cancel,
  ): Promise<NativeMapTest>;
  pixelMambaClose(model: PixelMambaHandle): void;
}
