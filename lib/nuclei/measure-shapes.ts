import { callSync } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { native } from '../native.js';
import { type Measurements, measurementsOf, type NucleusList, nucleiHandle } from './nucleus-list.js';

/** Options of {@link measureShapes}. */
export interface MeasureShapesOptions {
  /**
   * Micrometres per pixel of the outlines: of level 0 for nuclei of slides; one number, or across and down.
   * @defaultValue none: lengths are in pixels
   */
  readonly mpp?: number | { readonly x: number; readonly y: number };
}

/**
 * Shapes of the outlines of any list, wherever it comes from: `perimeter_um`, `circularity`, `major_axis_um`,
 * `minor_axis_um`, `eccentricity`, `solidity`, as {@link NucleusList.measurements} has them; `_px` instead of `_um`
 * without mpp. Takes some microseconds for each nucleus, on the calling thread.
 *
 * @throws TypeError, RangeError
 * @example
 * const { circularity } = measureShapes(await readNuclei('case.geojson'), { mpp: 0.25 });
 */
export function measureShapes(nuclei: NucleusList, options?: MeasureShapesOptions): Measurements {
  const handle = nucleiHandle(nuclei);
  const { mpp } = validate.options('options', options);
  const { x, y } = typeof mpp === 'object' && mpp !== null ? mpp : { x: mpp ?? 0, y: mpp ?? 0 };
  if (mpp !== undefined) {
    validate.positive('mpp', x);
    validate.positive('mpp', y);
  }
  return callSync(() => measurementsOf(native.nucleiShapes(handle, x, y)));
}
