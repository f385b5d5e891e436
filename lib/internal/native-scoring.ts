import type { CancelHandle, NucleiHandle, TensorHandle } from '../native.js';

type Cancel = CancelHandle | undefined;

export interface NativeScores {
  readonly dice: number;
  readonly aji: number;
  readonly ajiPlus: number;
  readonly dq: number;
  readonly sq: number;
  readonly pq: number;
  readonly dice2: number;
  readonly truthCount: number;
  readonly predictedCount: number;
  readonly matched: number;
}
export interface NativeTypeScore extends NativeScores {
  readonly type: number;
  readonly f1: number;
  readonly agreeing: number;
  readonly onlyPredicted: number;
  readonly onlyTruth: number;
  readonly unpairedPredicted: number;
  readonly unpairedTruth: number;
}
export interface NativeTypeScores {
  readonly types: readonly NativeTypeScore[];
  readonly meanDq: number;
  readonly meanSq: number;
  readonly meanPq: number;
  readonly detectionF1: number;
  readonly accuracy: number;
  readonly paired: number;
  readonly unpairedTruth: number;
  readonly unpairedPredicted: number;
  readonly greedilyPaired: number;
}

/** The addon's functions that hold nuclei against a ground truth. */
export interface NativeScoring {
  scoreNuclei(truth: NucleiHandle, predicted: NucleiHandle, pixel: number, cancel: Cancel): Promise<NativeScores>;
  scoreNucleusTypes(
    truth: NucleiHandle,
    predicted: NucleiHandle,
    radius: number,
    pixel: number,
    cancel: Cancel,
  ): Promise<NativeTypeScores>;
  scoreLabels(
    truth: TensorHandle,
    predicted: TensorHandle,
    height: number,
    width: number,
    cancel: Cancel,
  ): Promise<NativeScores>;
}
