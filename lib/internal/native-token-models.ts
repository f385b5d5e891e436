import type {
  CancelHandle,
  MambaMilHandle,
  NativePicture,
  PictureModelHandle,
  TensorHandle,
  WeightsHandle,
} from '../native.js';

type Cancel = CancelHandle | undefined;

/** Undefined: those of ImageNet. */
export interface NativePixelScale {
  readonly mean: readonly number[] | undefined;
  readonly std: readonly number[] | undefined;
}
export interface NativeVisionMambaOptions extends NativePixelScale {
  readonly divideOut: boolean;
  readonly middleToken: boolean;
  readonly lastToken: boolean;
  readonly stride: number | undefined;
}
export interface NativeVMambaOptions extends NativePixelScale {
  readonly scan: 'cross' | 'unidirectional' | 'bidirectional';
  readonly gateSilu: boolean;
  readonly outGelu: boolean;
}
export interface NativeMambaMilOptions {
  readonly type: 'Mamba' | 'BiMamba' | 'SRMamba' | '2DMamba';
  readonly rate: number;
  readonly gelu: boolean | undefined;
  readonly survival: boolean;
  readonly patchSize: number;
  readonly maxWidth: number | undefined;
  readonly maxHeight: number | undefined;
}
export interface NativeTokenModelInfo {
  /** Names and JSON values in turn. */
  readonly config: string[];
  readonly isa: string;
  readonly precision: 'high' | 'float32' | 'fast';
  readonly parameters: number;
  readonly memoryBytes: number;
  readonly outputs: number;
}
export interface NativePicturePrediction {
  readonly features: Float32Array;
  readonly logits: Float32Array;
  readonly probabilities: Float64Array;
}
export interface NativeMilPrediction extends NativePicturePrediction {
  readonly attention: Float32Array;
  readonly emptyAttention: number;
  readonly hazards: Float64Array;
  readonly survival: Float64Array;
  readonly risk: number;
}

export interface NativeSsdScan {
  readonly dtSoftplus: boolean;
  readonly returnLastState: boolean;
  readonly threads: number;
}

export interface NativeCausalConv {
  readonly layout: string;
  readonly silu: boolean;
  readonly returnLastState: boolean;
  readonly threads: number;
}

/** The addon's functions for Vision Mamba, VMamba and MambaMIL, and what Mamba networks have besides their scan. */
export interface NativeTokenModels {
  visionMambaLoad(
    weights: WeightsHandle,
    precision: string,
    options: NativeVisionMambaOptions,
    cancel: Cancel,
  ): Promise<PictureModelHandle>;
  vmambaLoad(
    weights: WeightsHandle,
    precision: string,
    options: NativeVMambaOptions,
    cancel: Cancel,
  ): Promise<PictureModelHandle>;
  pictureModelInfo(model: PictureModelHandle): NativeTokenModelInfo;
  pictureModelPredict(
    model: PictureModelHandle,
    pictures: readonly NativePicture[] | TensorHandle,
    threads: number,
    cancel: Cancel,
  ): Promise<NativePicturePrediction[]>;
  pictureModelClose(model: PictureModelHandle): void;
  mambaMilLoad(
    weights: WeightsHandle,
    precision: string,
    options: NativeMambaMilOptions,
    cancel: Cancel,
  ): Promise<MambaMilHandle>;
  mambaMilInfo(model: MambaMilHandle): NativeTokenModelInfo;
  mambaMilPredict(
    model: MambaMilHandle,
    features: TensorHandle,
    threads: number,
    cancel: Cancel,
    coordinates: TensorHandle | undefined,
  ): Promise<NativeMilPrediction>;
  mambaMilClose(model: MambaMilHandle): void;
  ssdScan(
    tensors: Readonly<Record<string, TensorHandle>>,
    options: NativeSsdScan,
    progress: ((done: number, total: number) => void) | undefined,
    cancel: Cancel,
  ): Promise<{ y: TensorHandle; lastState?: TensorHandle }>;
  causalConv1d(
    tensors: Readonly<Record<string, TensorHandle>>,
    options: NativeCausalConv,
    progress: ((done: number, total: number) => void) | undefined,
    cancel: Cancel,
  ): Promise<{ y: TensorHandle; lastState?: TensorHandle }>;
}
