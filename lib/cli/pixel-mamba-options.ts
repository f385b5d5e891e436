import { defaultPixelMambaPath, PixelMamba, type PixelMambaOptions, type Progress, type Rect } from '../index.js';
import type { OptionReader } from './arguments.js';
import { UsageError } from './exit-codes.js';
import { precisions } from './nuclei-options.js';
import { type OpeningOptions, openingOptions, openingTable } from './opening-options.js';
import { type ProgressMode, progressModes } from './progress-display.js';

/** What the commands that run a Pixel-Mamba have in common. */
export interface PixelMambaCommandOptions {
  readonly weights: string | undefined;
  readonly mpp: number | undefined;
  readonly region: Rect | undefined;
  /** undefined: as the network's configuration says. */
  readonly tissue: boolean | undefined;
  readonly minTissue: number | undefined;
  readonly precision: 'high' | 'float32' | 'fast' | undefined;
  readonly device: 'auto' | 'cpu' | 'cuda' | undefined;
  readonly threads: number | undefined;
  readonly maxMemoryBytes: number | undefined;
  readonly spillDir: string | undefined;
  readonly opening: OpeningOptions;
  readonly progress: ProgressMode | undefined;
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

/** For the table of such a command. */
export const pixelMambaTable = {
  weights: { type: 'string', short: 'm' },
  mpp: text,
  region: text,
  tissue: flag,
  'no-tissue': flag,
  'min-tissue': text,
  precision: text,
  device: text,
  threads: text,
  'max-memory': text,
  'spill-dir': text,
  ...openingTable,
  progress: text,
} as const;

/** Reads the options of {@link pixelMambaTable}. @throws UsageError */
export function pixelMambaOptions(options: OptionReader): PixelMambaCommandOptions {
  const [wanted, unwanted] = [options.flag('tissue'), options.flag('no-tissue')];
  if (wanted && unwanted) throw new UsageError('give --tissue or --no-tissue');
  const minTissue = options.number('min-tissue');
  if (minTissue !== undefined && minTissue > 1) throw new UsageError(`--min-tissue: expected 0 to 1; got ${minTissue}`);
  return {
    weights: options.text('weights'),
    mpp: options.number('mpp', { above: true }),
    region: options.rect('region'),
    tissue: wanted || unwanted ? wanted : undefined,
    minTissue,
    precision: options.word('precision', precisions),
    device: options.word('device', ['auto', 'cpu', 'cuda']),
    threads: options.integer('threads', 1, 4096),
    maxMemoryBytes: options.bytes('max-memory'),
    spillDir: options.text('spill-dir'),
    opening: openingOptions(options),
    progress: options.word('progress', progressModes),
  };
}

/** The network that the user named, or the packaged one. */
export async function loadPixelMamba(options: PixelMambaCommandOptions, signal: AbortSignal): Promise<PixelMamba> {
  const { precision, device, threads } = options;
  return PixelMamba.load(options.weights ?? defaultPixelMambaPath(), {
    ...(precision !== undefined && { precision }),
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
    signal,
  });
}

/** Leaves out what was not given, so that the library's defaults hold. */
export function predictOptions(
  { region, tissue, minTissue, maxMemoryBytes, spillDir }: PixelMambaCommandOptions,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): PixelMambaOptions {
  return {
    ...(region !== undefined && { region }),
    ...(tissue !== undefined && { tissue }),
    ...(minTissue !== undefined && { minTissue }),
    ...(maxMemoryBytes !== undefined && { maxMemoryBytes }),
    ...(spillDir !== undefined && { spillDir }),
    signal,
    onProgress,
  };
}
