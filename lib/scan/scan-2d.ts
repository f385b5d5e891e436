import { typeError } from '../errors.js';
import * as validate from '../internal/validate.js';
import type { Tensor } from '../tensor/tensor.js';
import { runScan, type SelectiveScanInput } from './selective-scan.js';

/** Tensors and options of {@link scan2d}: those of {@link SelectiveScanInput}, but a grid has no states to hand on. */
export interface Scan2dInput extends Omit<SelectiveScanInput, 'initialState' | 'returnLastState'> {
  /** Rows of the grid. */
  readonly height: number;
  /** Cells of a row; height * width is the length of all sequences, row behind row. */
  readonly width: number;
}

/**
 * The selective scan in two dimensions (2DMamba): along each row, and down each column over what the rows gave. With
 * a = exp(dt * A) of the cell:
 *
 *     row[i][j]  = a * row[i][j - 1]  + dt * B * u
 *     cell[i][j] = a * cell[i - 1][j] + row[i][j]
 *     y[i][j]    = (sum over n of C * cell + D * u) * z / (1 + e^-z)
 *
 * `reverse` starts at the last cell and goes to the left and upwards. Precision, layouts and errors are those of
 * {@link selectiveScan}.
 *
 * @returns y, float32, shape of u
 * @throws {@link HistojetError} as {@link selectiveScan}; TypeError, RangeError
 * @example
 * const y = await scan2d({ u, delta, A, B, C, deltaSoftplus: true, height: 40, width: 60 });
 */
export async function scan2d(input: Scan2dInput): Promise<Tensor> {
  if (typeof input !== 'object' || input === null) {
    throw typeError(`input: expected { u, delta, A, B, C, height, width, … }, got ${validate.kindOf(input)}`);
  }
  const { height, width, ...scan } = input;
  const grid = { height: validate.integer('height', height, 0), width: validate.integer('width', width, 0) };
  const { y } = await runScan({ ...scan, initialState: undefined, returnLastState: false }, grid);
  return y;
}
