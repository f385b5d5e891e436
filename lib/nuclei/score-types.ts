import { callNative } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { native } from '../native.js';
import { type NucleusList, nucleiHandle } from './nucleus-list.js';
import type { SegmentationScores } from './score.js';

/**
 * How well one type was found. The members of {@link SegmentationScores} compare the nuclei of this type in the
 * prediction with those of the same type in the truth; the others come from paired centroids.
 */
export interface TypeScores extends SegmentationScores {
  /** The type. */
  readonly type: number;
  /**
   * HoVer-Net's F score of the type: 2 `agreeing` / (2 `agreeing` + 2 `onlyPredicted` + 2 `onlyTruth` +
   * `unpairedPredicted` + `unpairedTruth`).
   */
  readonly f1: number;
  /** Pairs where both are of this type. */
  readonly agreeing: number;
  /** Pairs where the prediction is of this type and the truth is not. */
  readonly onlyPredicted: number;
  /** Pairs where the truth is of this type and the prediction is not. */
  readonly onlyTruth: number;
  /** Predicted nuclei of this type without a pair. */
  readonly unpairedPredicted: number;
  /** True nuclei of this type without a pair. */
  readonly unpairedTruth: number;
}

/** Agreement of two segmentations with types, as HoVer-Net's paper and code define it (Graham et al. 2019, 4.2). */
export interface ClassificationScores {
  /** Every type of either list, rising. */
  readonly types: readonly TypeScores[];
  /** Mean detection quality of the types that occur in the truth. */
  readonly meanDq: number;
  /** Mean segmentation quality of the types that occur in the truth. */
  readonly meanSq: number;
  /** Mean panoptic quality of the types that occur in the truth. */
  readonly meanPq: number;
  /** F score of detection, whatever the types: 2 `paired` / (2 `paired` + `unpairedTruth` + `unpairedPredicted`). */
  readonly detectionF1: number;
  /** Share of the pairs whose types agree; 0 without pairs. */
  readonly accuracy: number;
  /** Pairs of a true and a predicted nucleus. */
  readonly paired: number;
  /** True nuclei without a pair. */
  readonly unpairedTruth: number;
  /** Predicted nuclei without a pair. */
  readonly unpairedPredicted: number;
  /** How many of the pairs were found nearest first, because too many nuclei lie within the radius of one another. */
  readonly greedilyPaired: number;
}

/**
 * Compares the types of two segmentations. Nuclei are paired by their centroids for the least total distance, pairs
 * farther apart than `radius` are dropped; the panoptic quality of each type compares its nuclei alone. Type 0 counts
 * like any other. Two empty lists agree: all scores are 1.
 *
 * Centroids are paired cluster by cluster (nuclei joined by neighbours within the radius), which takes bounded memory
 * for millions of nuclei. Of more than 16 neighbours the nearest 16 count, and a cluster of more than 512 nuclei is
 * paired nearest first; both need a radius far above a nucleus.
 *
 * @param truth - what is right, with types
 * @param predicted - what was found, with types
 * @param options - `radius`: in units of the coordinates, default 12, which is HoVer-Net's at 40x; `pixel`: side of the
 *   counting grid in units of the coordinates, default 1
 * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` when a list that is not empty has no types; TypeError,
 *   RangeError
 * @example
 * const { meanPq, types } = await scoreNucleusTypes(truth, found);
 * for (const { type, pq, f1 } of types) console.log(type, pq, f1);
 */
export async function scoreNucleusTypes(
  truth: NucleusList,
  predicted: NucleusList,
  options?: { readonly radius?: number; readonly pixel?: number; readonly signal?: AbortSignal },
): Promise<ClassificationScores> {
  const handles = [nucleiHandle(truth, 'truth'), nucleiHandle(predicted, 'predicted')] as const;
  const { radius = 12, pixel = 1, signal } = validate.options('options', options);
  validate.positive('radius', radius);
  validate.positive('pixel', pixel);
  return callNative(signal, (cancel) => native.scoreNucleusTypes(...handles, radius, pixel, cancel));
}
