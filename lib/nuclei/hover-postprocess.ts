import { HistojetError, typeError } from '../errors.js';
import { callNative } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { native } from '../native.js';
import { type Tensor, type TensorInput, tensorHandle } from '../tensor/tensor.js';
import { withTensors } from '../tensor/tensor-inputs.js';
import { type NucleusList, wrapNuclei } from './nucleus-list.js';
import { checkMinArea, checkPostprocess, type PostprocessOptions } from './postprocess-options.js';

/** What a nuclei network says about each pixel of one window. */
export interface NucleiMaps {
  /** `[height, width]` probability of nucleus, 0 to 1. */
  readonly np: TensorInput;
  /** `[2, height, width]`: 0 horizontal (-1 at the left end of a nucleus, +1 at the right), 1 vertical (-1 at the top). */
  readonly hv: TensorInput;
  /** `[height, width]` class, 0 background; absent for networks without classes. */
  readonly tp?: TensorInput | undefined;
}

/** Options of {@link hoverPostprocess}. */
export interface HoverPostprocessOptions extends PostprocessOptions {
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

function checkShape(name: string, tensor: Tensor, expected: readonly number[]): void {
  if (tensor.shape.length === expected.length && tensor.shape.every((side, i) => side === expected[i])) return;
  throw new HistojetError(
    'HISTOJET_SHAPE_MISMATCH',
    `${name} has shape [${tensor.shape.join(', ')}], expected [${expected.join(', ')}]`,
  );
}

function checkShapes({ np, hv, tp }: { np: Tensor; hv: Tensor; tp?: Tensor | undefined }): void {
  if (np.shape.length !== 2) {
    throw new HistojetError(
      'HISTOJET_SHAPE_MISMATCH',
      `np has shape [${np.shape.join(', ')}], expected [height, width]`,
    );
  }
  checkShape('hv', hv, [2, ...np.shape]);
  if (tp !== undefined) checkShape('tp', tp, np.shape);
}

/**
 * Maps of one window to nuclei: threshold, energy landscape, markers, watershed, contours. Deterministic.
 *
 * @param maps - `np`, `hv` and perhaps `tp`
 * @returns nuclei in pixels of the maps, areas in square pixels, with `labels` [height, width]
 * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH`, `HISTOJET_DISPOSED`; TypeError, RangeError
 * @example
 * const nuclei = await hoverPostprocess(await model.predict(image), { variant: 'hoverfast' });
 */
export async function hoverPostprocess(maps: NucleiMaps, options?: HoverPostprocessOptions): Promise<NucleusList> {
  if (typeof maps !== 'object' || maps === null) {
    throw typeError(`maps: expected { np, hv, tp? }, got ${validate.kindOf(maps)}`);
  }
  const { signal, minArea, ...rest } = validate.options('options', options);
  const smallest = checkMinArea(minArea);
  if (smallest.um2 !== undefined) throw typeError('minArea: maps have no mpp, expected { px }');
  const checked = checkPostprocess(rest, smallest.px);
  const { np, hv, tp } = maps;
  return withTensors([], { np, hv, ...(tp !== undefined && { tp }) }, async (tensors) => {
    checkShapes(tensors);
    const handles = [
      tensorHandle(tensors.np),
      tensorHandle(tensors.hv),
      tensors.tp && tensorHandle(tensors.tp),
    ] as const;
    return wrapNuclei(await callNative(signal, (cancel) => native.hoverPostprocess(...handles, checked, cancel)));
  });
}
