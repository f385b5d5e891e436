import { typeError } from '../errors.js';
import { callNative } from '../internal/call.js';
import { type ProgressListener, ProgressMeter } from '../internal/progress.js';
import * as validate from '../internal/validate.js';
import { native } from '../native.js';
import { type TensorInput, wrapTensor } from '../tensor/tensor.js';
import { tensorHandles, withTensors } from '../tensor/tensor-inputs.js';
import type { ScanLayout, SelectiveScanResult } from './selective-scan.js';

/** Tensors and options of {@link causalConv1d}. */
export interface CausalConv1dInput {
  /** Input: `[batch, channels, length]`, or `[batch, length, channels]` with `layout: 'bld'`. */
  readonly x: TensorInput;
  /** `[channels, taps]` or, as Conv1d stores it, `[channels, 1, taps]`; 1 to 4 taps, the last one for the step itself. */
  readonly weight: TensorInput;
  /** `[channels]`. */
  readonly bias?: TensorInput | undefined;
  /**
   * What follows: nothing, or y / (1 + e^-y).
   * @defaultValue `'none'`
   */
  readonly activation?: 'none' | 'silu' | undefined;
  /** @defaultValue `'bdl'` */
  readonly layout?: ScanLayout | undefined;
  /** `[batch, channels, taps - 1]`: the steps before the first one, as an earlier call returned them. */
  readonly initialState?: TensorInput | undefined;
  /** @defaultValue `false` */
  readonly returnLastState?: boolean | undefined;
  /** Most threads to use; the result does not depend on it. @defaultValue all that the process has */
  readonly threads?: number | undefined;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told how far the work is, in values of y. */
  readonly onProgress?: ProgressListener | undefined;
}

/**
 * The convolution in front of the scan in Mamba blocks: of each channel alone, along the steps, with the step itself
 * and those before it.
 *
 *     y[t] = bias + sum over k of weight[k] * x[t - (taps - 1) + k]
 *
 * Before the first step x is 0, or `initialState`. In float32; neither threads nor the cutting of a sequence into calls
 * that hand on their `lastState` changes a bit.
 *
 * @returns y, float32, shape of x; with `returnLastState` also `lastState`, the last taps - 1 steps
 * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH` naming the tensor, `HISTOJET_INVALID_ARGUMENT` for tensors that
 * hold no floats, `HISTOJET_DISPOSED`, `HISTOJET_OUT_OF_MEMORY`; TypeError, RangeError
 * @example
 * const { y } = await causalConv1d({ x, weight, bias, activation: 'silu' });
 */
export async function causalConv1d(input: CausalConv1dInput): Promise<SelectiveScanResult> {
  if (typeof input !== 'object' || input === null) {
    throw typeError(`input: expected { x, weight, … }, got ${validate.kindOf(input)}`);
  }
  const options = {
    layout: validate.oneOf('layout', input.layout ?? 'bdl', ['bdl', 'bld']),
    silu: validate.oneOf('activation', input.activation ?? 'none', ['none', 'silu']) === 'silu',
    returnLastState: validate.boolean('returnLastState', input.returnLastState ?? false),
    threads: validate.integer('threads', input.threads ?? 0, 0, 1024),
  };
  const listener = validate.callback('onProgress', input.onProgress);
  const meter = new ProgressMeter('convolution', listener);
  const report = listener && ((done: number, total: number): void => meter.report(done, total));
  const { x, weight, bias, initialState } = input;
  const given: Record<string, TensorInput> = {
    x,
    weight,
    ...(bias !== undefined && { bias }),
    ...(initialState !== undefined && { initialState }),
  };
  const { y, lastState } = await withTensors([], given, (tensors) => {
    const handles = tensorHandles(tensors);
    return callNative(input.signal, (cancel) => native.causalConv1d(handles, options, report, cancel));
  });
  return { y: wrapTensor(y), ...(lastState !== undefined && { lastState: wrapTensor(lastState) }) };
}
