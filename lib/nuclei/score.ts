import { HistojetError, typeError } from '../errors.js';
import { callNative } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { native } from '../native.js';
import { tensorHandle } from '../tensor/tensor.js';
import { withTensors } from '../tensor/tensor-inputs.js';
import { type NucleusList, nucleiHandle } from './nucleus-list.js';

/** Agreement of two segmentations, as HoVer-Net's paper and code define it (Graham et al. 2019, section 4.1). */
export interface SegmentationScores {
  /** Dice of the foreground. */
  readonly dice: number;
  /** Aggregated Jaccard index (Kumar et al. 2017). */
  readonly aji: number;
  /** Aggregated Jaccard index with one-to-one pairing. */
  readonly ajiPlus: number;
  /** Detection quality: F1 of pairs with IoU > 0.5. */
  readonly dq: number;
  /** Segmentation quality: mean IoU of those pairs. */
  readonly sq: number;
  /** Panoptic quality, dq x sq (Kirillov et al. 2019). */
  readonly pq: number;
  /** Ensemble Dice over overlapping pairs. */
  readonly dice2: number;
  /** Nuclei in the truth. */
  readonly truthCount: number;
  /** Nuclei in the prediction. */
  readonly predictedCount: number;
  /** Pairs with IoU > 0.5. */
  readonly matched: number;
}

/**
 * Compares outlines of any extent, pixel by pixel in bounded memory. Within each list nuclei should not overlap.
 *
 * @param truth - what is right
 * @param predicted - what was found
 * @param options - `pixel`: side of the counting grid in units of the coordinates, default 1
 * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT`; TypeError, RangeError
 */
export async function scoreNuclei(
  truth: NucleusList,
  predicted: NucleusList,
  options?: { readonly pixel?: number; readonly signal?: AbortSignal },
): Promise<SegmentationScores> {
  const handles = [nucleiHandle(truth, 'truth'), nucleiHandle(predicted, 'predicted')] as const;
  const { pixel = 1, signal } = validate.options('options', options);
  validate.positive('pixel', pixel);
  return callNative(signal, (cancel) => native.scoreNuclei(...handles, pixel, cancel));
}

/**
 * Compares two label maps of one size: 0 background, one number per nucleus.
 *
 * @param truth - [height, width]
 * @param predicted - [height, width]
 * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`; TypeError, RangeError
 */
export async function scoreLabels(
  truth: Int32Array,
  predicted: Int32Array,
  options: { readonly width: number; readonly height: number; readonly signal?: AbortSignal },
): Promise<SegmentationScores> {
  const { width, height, signal } = validate.options('options', options);
  validate.integer('width', width, 1);
  validate.integer('height', height, 1);
  for (const [name, labels] of Object.entries({ truth, predicted })) {
    if (!(labels instanceof Int32Array)) {
      throw typeError(`${name}: expected an Int32Array, got ${validate.kindOf(labels)}`);
    }
    if (labels.length !== width * height) {
      throw new HistojetError(
        'HISTOJET_SHAPE_MISMATCH',
        `${name} holds ${labels.length} labels, expected width x height = ${width} x ${height}`,
      );
    }
  }
  const shape = [height, width];
  return withTensors([], { truth: { data: truth, shape }, predicted: { data: predicted, shape } }, (tensors) => {
    const handles = [tensorHandle(tensors.truth), tensorHandle(tensors.predicted)] as const;
    return callNative(signal, (cancel) => native.scoreLabels(...handles, height, width, cancel));
  });
}
