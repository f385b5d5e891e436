import { HistojetError } from '../errors.js';
import * as validate from '../internal/validate.js';

/** How a network computes; see {@link ModelOptions.precision}. */
export type Precision = 'high' | 'float32' | 'fast';

/** Options of {@link HoverFast.load}, {@link HoverNet.load} and {@link loadModel}. */
export interface ModelOptions {
  /**
   * Where to compute. This version computes on the CPU.
   * @defaultValue 'auto'
   */
  readonly device?: 'auto' | 'cpu' | 'cuda';
  /**
   * `'float32'`: the reference. `'high'`: about 1e-5 of it. `'fast'`: bfloat16 products, about 1e-2 on the maps.
   * Without AMX `'high'` computes in float32, and so does `'fast'` on Intel's CPUs; AMD's have products of their own for
   * it. `info.precision` names what is computed.
   * @defaultValue 'high'
   */
  readonly precision?: Precision;
  /**
   * Most threads that a slide is worked on with.
   * @defaultValue all threads of the executor
   */
  readonly threads?: number;
  /** Stops the call; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Checked {@link ModelOptions}. */
export interface CheckedModelOptions {
  readonly precision: Precision;
  /** 0: all threads of the executor. */
  readonly threads: number;
  readonly signal: AbortSignal | undefined;
}

/** Checks what all networks have in common. */
export function checkModelOptions(options: ModelOptions | undefined): CheckedModelOptions {
  const given = validate.options('options', options);
  const device = validate.oneOf('device', given.device ?? 'auto', ['auto', 'cpu', 'cuda']);
  if (device === 'cuda') {
    throw new HistojetError('HISTOJET_DEVICE_UNAVAILABLE', "device 'cuda': this version computes on the CPU only");
  }
  return {
    precision: validate.oneOf('precision', given.precision ?? 'high', ['high', 'float32', 'fast']),
    threads: validate.optional('threads', given.threads, validate.integer, 1, 4096) ?? 0,
    signal: given.signal,
  };
}
