import { typeError } from '../errors.js';
import { callNative } from '../internal/call.js';
import { type ProgressListener, ProgressMeter } from '../internal/progress.js';
import * as validate from '../internal/validate.js';
import { native } from '../native.js';
import { type Tensor, type TensorInput, wrapTensor } from '../tensor/tensor.js';
import { tensorHandles, withTensors } from '../tensor/tensor-inputs.js';

/**
 * Order of the dimensions of a scan's tensors.
 *
 * - `'bdl'`: u, delta and z are [batch, channels, length], B and C [batch, states, length] or
 *   [batch, groups, states, length]; the order of the Mamba reference
 * - `'bld'`: u, delta and z are [batch, length, channels], B and C [batch, length, states] or
 *   [batch, length, groups, states]; the order of token sequences, and the faster one
 */
export type ScanLayout = 'bdl' | 'bld';

/** Tensors and options of {@link selectiveScan}. */
export interface SelectiveScanInput {
  /** Input, of the shape that `layout` says. */
  readonly u: TensorInput;
  /** Raw time steps, shape of u. All of them must be finite. */
  readonly delta: TensorInput;
  /** `[channels, states]`, real and finite; negative in any model that forgets. */
  readonly A: TensorInput;
  /** How the input enters the states: of the shape that `layout` says, or constant `[channels, states]`. */
  readonly B: TensorInput;
  /** How the states make the output, like `B`. */
  readonly C: TensorInput;
  /** `[channels]`: this times u is added to the output. */
  readonly D?: TensorInput | undefined;
  /** Shape of u; the output is multiplied with z / (1 + e^-z). */
  readonly z?: TensorInput | undefined;
  /** `[channels]`, added to delta. */
  readonly deltaBias?: TensorInput | undefined;
  /**
   * Whether delta, with its bias, goes through log(1 + e^x).
   * @defaultValue `false`
   */
  readonly deltaSoftplus?: boolean | undefined;
  /** `[batch, channels, states]`: what an earlier call returned as `lastState`. */
  readonly initialState?: TensorInput | undefined;
  /** @defaultValue `'bdl'` */
  readonly layout?: ScanLayout | undefined;
  /**
   * From the last step to the first.
   * @defaultValue `false`
   */
  readonly reverse?: boolean | undefined;
  /** @defaultValue `false` */
  readonly returnLastState?: boolean | undefined;
  /** Most threads to use; the result does not depend on it. @defaultValue all that the process has */
  readonly threads?: number | undefined;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told how far the scan is, in values of y. */
  readonly onProgress?: ProgressListener | undefined;
}

/** What {@link selectiveScan} returns. */
export interface SelectiveScanResult {
  /** Float32, shape of u. */
  readonly y: Tensor;
  /** Float32 `[batch, channels, states]` after the last step; with `returnLastState` only. */
  readonly lastState?: Tensor;
}

const tensorNames = ['u', 'delta', 'A', 'B', 'C', 'D', 'z', 'deltaBias', 'initialState'] as const;
const required: readonly string[] = ['u', 'delta', 'A', 'B', 'C'];

/** The tensors that are there. */
function tensorsOf(input: SelectiveScanInput): Record<string, TensorInput> {
  const given: Record<string, TensorInput> = {};
  for (const name of tensorNames) {
    const value = input[name];
    if (value !== undefined || required.includes(name)) given[name] = value as TensorInput;
  }
  return given;
}

/**
 * The selective scan of Mamba networks (S6). For each channel, with dt = softplus(delta + deltaBias):
 *
 *     h[n] = exp(dt * A[n]) * h[n] + dt * B[n] * u
 *     y    = (sum over n of C[n] * h[n] + D * u) * z / (1 + e^-z)
 *
 * in float32, within 1e-6 of the largest |y| of double precision. The result is the same, bit for bit, for any number of
 * threads, for either layout, and for a sequence cut into calls that hand on their `lastState`.
 *
 * @throws {@link HistojetError} `HISTOJET_SHAPE_MISMATCH` naming the tensor; `HISTOJET_INVALID_ARGUMENT` for a value of
 * A, delta or deltaBias that is not finite, with its position; `HISTOJET_DISPOSED`, `HISTOJET_OUT_OF_MEMORY`; TypeError,
 * RangeError
 * @example
 * const first = await selectiveScan({ u, delta, A, B, C, deltaSoftplus: true, returnLastState: true });
 * const second = await selectiveScan({ ...next, A, deltaSoftplus: true, initialState: first.lastState });
 */
export async function selectiveScan(input: SelectiveScanInput): Promise<SelectiveScanResult> {
  return runScan(input, undefined);
}

/**
 * Checks and runs a scan over a sequence, or over a grid whose rows lie one behind the other.
 *
 * @throws see {@link selectiveScan}
 */
export async function runScan(
  input: SelectiveScanInput,
  grid: { readonly height: number; readonly width: number } | undefined,
): Promise<SelectiveScanResult> {
  if (typeof input !== 'object' || input === null) {
    throw typeError(`input: expected { u, delta, A, B, C, … }, got ${validate.kindOf(input)}`);
  }
  const options = {
    layout: validate.oneOf('layout', input.layout ?? 'bdl', ['bdl', 'bld']),
    deltaSoftplus: validate.boolean('deltaSoftplus', input.deltaSoftplus ?? false),
    reverse: validate.boolean('reverse', input.reverse ?? false),
    returnLastState: validate.boolean('returnLastState', input.returnLastState ?? false),
    threads: validate.integer('threads', input.threads ?? 0, 0, 1024),
    ...grid,
  };
  const listener = validate.callback('onProgress', input.onProgress);
  const meter = new ProgressMeter('scan', listener);
  const report = listener && ((done: number, total: number): void => meter.report(done, total));
  const { y, lastState } = await withTensors([], tensorsOf(input), (tensors) => {
    const handles = tensorHandles(tensors);
    return callNative(input.signal, (cancel) => native.selectiveScan(handles, options, report, cancel));
  });
  return { y: wrapTensor(y), ...(lastState !== undefined && { lastState: wrapTensor(lastState) }) };
}
