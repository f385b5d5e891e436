import { typeError } from '../errors.js';
import { callNative } from '../internal/call.js';
import { type ProgressListener, ProgressMeter } from '../internal/progress.js';
import * as validate from '../internal/validate.js';
import { native } from '../native.js';
import { type TensorInput, wrapTensor } from '../tensor/tensor.js';
import { tensorHandles, withTensors } from '../tensor/tensor-inputs.js';
import type { SelectiveScanResult } from './selective-scan.js';

/** Tensors and options of {@link ssdScan}. */
export interface SsdScanInput {
  /** Input, `[batch, length, heads, channels]`. */
  readonly x: TensorInput;
  /** Raw time steps, `[batch, length, heads]`. All of them must be finite. */
  readonly dt: TensorInput;
  /** `[heads]`, finite; negative in any model that forgets. */
  readonly A: TensorInput;
  /**
   * How the input enters the states: `[batch, length, groups, states]`, or `[batch, length, states]` for one group.
   * Neighbouring heads share a group.
   */
  readonly B: TensorInput;
  /** How the states make the output, shape of `B`. */
  readonly C: TensorInput;
  /** `[heads]`: this times x is added to the output. */
  readonly D?: TensorInput | undefined;
  /** `[heads]`, added to dt. */
  readonly dtBias?: TensorInput | undefined;
  /**
   * Whether dt, with its bias, goes through log(1 + e^x).
   * @defaultValue `false`
   */
  readonly dtSoftplus?: boolean | undefined;
  /** `[batch, heads, channels, states]`: what an earlier call returned as `lastState`. */
  readonly initialState?: TensorInput | undefined;
  /** @defaultValue `false` */
  readonly returnLastState?: boolean | undefined;
  /** Most threads to use; the result does not depend on it. @defaultValue all that the process has */
  readonly threads?: number | undefined;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told how far the scan is, in values of y. */
  readonly onProgress?: ProgressListener | undefined;
}

const required = ['x', 'dt', 'A', 'B', 'C'] as const;
const optional = ['D', 'dtBias', 'initialState'] as const;

/**
 * The scan of Mamba-2 (state-space duality): one decay per head. For each channel p of a head, with
 * dt = softplus(dt + dtBias):
 *
 *     h[p][n] = exp(dt * A) * h[p][n] + dt * x[p] * B[n]
 *     y[p]    = sum over n of C[n] * h[p][n] + D * x[p]
 *
 * in float32. Gate and norm behind it are the caller's. The result is the same, bit for bit, for any number of threads
 * and for a sequence cut into calls that hand on their `lastState`.
 *
 * @returns y, float32, shape of x; with `returnLastState` also `lastState`, float32 [batch, heads, channels, states]
 * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH` naming the tensor; `HISTOJET_INVALID_ARGUMENT` for a value of
 * A, dt or dtBias that is not finite, with its position; `HISTOJET_DISPOSED`, `HISTOJET_OUT_OF_MEMORY`; TypeError,
 * RangeError
 * @example
 * const { y } = await ssdScan({ x, dt, A, B, C, D, dtBias, dtSoftplus: true });
 */
export async function ssdScan(input: SsdScanInput): Promise<SelectiveScanResult> {
  if (typeof input !== 'object' || input === null) {
    throw typeError(`input: expected { x, dt, A, B, C, … }, got ${validate.kindOf(input)}`);
  }
  const options = {
    dtSoftplus: validate.boolean('dtSoftplus', input.dtSoftplus ?? false),
    returnLastState: validate.boolean('returnLastState', input.returnLastState ?? false),
    threads: validate.integer('threads', input.threads ?? 0, 0, 1024),
  };
  const listener = validate.callback('onProgress', input.onProgress);
  const meter = new ProgressMeter('scan', listener);
  const report = listener && ((done: number, total: number): void => meter.report(done, total));
  const given: Record<string, TensorInput> = {};
  for (const name of required) given[name] = input[name];
  for (const name of optional) {
    const value = input[name];
    if (value !== undefined) given[name] = value;
  }
  const { y, lastState } = await withTensors([], given, (tensors) => {
    const handles = tensorHandles(tensors);
    return callNative(input.signal, (cancel) => native.ssdScan(handles, options, report, cancel));
  });
  return { y: wrapTensor(y), ...(lastState !== undefined && { lastState: wrapTensor(lastState) }) };
}
