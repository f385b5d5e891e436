import { HistojetError, typeError } from '../errors.js';
import * as validate from '../internal/validate.js';
import type { NativeMask } from '../native.js';
import type { TissueMask } from './slide-types.js';

/** Checks a mask that a user brings. */
export function checkTissueMask(name: string, value: TissueMask): NativeMask {
  if (typeof value !== 'object' || value === null || !(value.data instanceof Uint8Array)) {
    throw typeError(`${name}: expected a boolean or { width, height, downsample, data: Uint8Array }`);
  }
  const width = validate.integer(`${name}.width`, value.width, 0);
  const height = validate.integer(`${name}.height`, value.height, 0);
  const downsample = validate.positive(`${name}.downsample`, value.downsample);
  if (value.data.length !== width * height) {
    throw new HistojetError(
      'HISTOJET_SHAPE_MISMATCH',
      `${name}.data holds ${value.data.length} values, expected width x height = ${width} x ${height}`,
    );
  }
  return { width, height, downsample, data: value.data };
}
