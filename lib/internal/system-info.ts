import { fileURLToPath } from 'node:url';
import { native } from '../native.js';
import { callSync } from './call.js';

/** What {@link systemInfo} tells. */
export interface SystemInfo {
  /** Version of this package. */
  readonly version: string;
  /** The addon that was loaded. */
  readonly addonPath: string;
  /** Version of Node.js. */
  readonly node: string;
  /** The processor. */
  readonly cpu: {
    /** Its name. */
    readonly model: string;
    /** What it offers of the instructions that matter here. */
    readonly features: readonly string[];
  };
  /** Instructions that the kernels use: `'scalar'`, `'avx2'`, `'avx512'`, `'avx512bf16'` or `'amx'`; `HISTOJET_ISA` caps it. */
  readonly isa: string;
  /** Threads of the executor: cores of the affinity mask and the cgroup quota; `HISTOJET_THREADS` overrides. */
  readonly threads: number;
}

/** Version of this package. */
export const version: string = native.version();

/**
 * What this machine offers and what this package uses of it.
 *
 * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` when `HISTOJET_ISA` names no instruction set
 */
export function systemInfo(): SystemInfo {
  const { cpuModel, cpuFeatures, isa, threads, addonUrl } = callSync(() => native.systemInfo());
  return {
    version,
    addonPath: addonUrl === undefined ? '' : fileURLToPath(addonUrl),
    node: process.version,
    cpu: { model: cpuModel, features: cpuFeatures },
    isa,
    threads,
  };
}
