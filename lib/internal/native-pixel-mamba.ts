import type {
  CancelHandle,
  NativeImage,
  NativeMask,
  NativeRect,
  PixelMambaHandle,
  SlideHandle,
  WeightsHandle,
} from '../native.js';

type Cancel = CancelHandle | undefined;
type StageReport = ((done: number, total: number, stage: string) => void) | undefined;

/** A picture, or a slide with what is looked at there; undefined: as the network's configuration says. */
export type NativePixelMambaInput =
  | { readonly image: NativeImage }
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
export interface NativeAttributionRun extends NativePixelMambaRun {
  readonly output: number | undefined;
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
  readonly maps: NativeRelevanceMap[];
  readonly total: number;
  readonly part: NativeRect;
  readonly scaleX: number;
  readonly scaleY: number;
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
  pixelMambaClose(model: PixelMambaHandle): void;
}
