import type { Rect } from '../internal/rect.js';
import { type NucleusFormat, writerFormats } from '../writers/nucleus-writer.js';
import { OptionReader, splitArguments } from './arguments.js';
import { UsageError } from './exit-codes.js';
import { type OpeningOptions, openingOptions, openingTable } from './opening-options.js';
import { type ProgressMode, progressModes } from './progress-display.js';

/** What `histojet nuclei` was asked to do. */
export interface NucleiOptions {
  /** Files, folders and patterns. */
  readonly slides: readonly string[];
  /** One file or several; with several slides one folder. */
  readonly outputs: readonly string[];
  readonly weights: string | undefined;
  readonly formats: readonly NucleusFormat[] | undefined;
  readonly mpp: number | undefined;
  readonly region: Rect | undefined;
  readonly tissue: boolean;
  readonly variant: 'hovernet' | 'hoverfast' | undefined;
  readonly minAreaUm2: number | undefined;
  readonly simplify: number | undefined;
  readonly stain: 'he' | 'ihc-dab' | undefined;
  readonly measure: boolean;
  readonly precision: 'high' | 'float32' | 'fast' | undefined;
  readonly device: 'auto' | 'cpu' | 'cuda' | undefined;
  readonly threads: number | undefined;
  readonly tileSize: number | undefined;
  readonly opening: OpeningOptions;
  /** Pictures; with several slides what their names end in. */
  readonly overlay: string | undefined;
  readonly heatmap: string | undefined;
  /** Go on with what earlier runs have left. */
  readonly resume: boolean;
  readonly maxMemoryBytes: number | undefined;
  readonly progress: ProgressMode | undefined;
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

const optionTable = {
  weights: { type: 'string', short: 'm' },
  output: { type: 'string', short: 'o', multiple: true },
  format: text,
  mpp: text,
  region: text,
  tissue: flag,
  'no-tissue': flag,
  variant: text,
  'min-area-um2': text,
  simplify: text,
  stain: text,
  measure: flag,
  precision: text,
  device: text,
  threads: text,
  'tile-size': text,
  ...openingTable,
  overlay: text,
  heatmap: text,
  resume: flag,
  'max-memory': text,
  progress: text,
} as const;

/** Words of --precision, which several commands take. */
export const precisions = ['high', 'float32', 'fast'] as const;

/** Reads the arguments of `histojet nuclei`. @throws UsageError */
export function nucleiOptions(args: readonly string[]): NucleiOptions {
  const options = new OptionReader(splitArguments('nuclei', args, optionTable));
  const slides = options.positionals('nuclei', 'SLIDE');
  const outputs = options.texts('output');
  if (outputs.length === 0) {
    throw new UsageError('nuclei: -o OUT is missing', `for example: histojet nuclei ${slides[0]} -o nuclei.geojson.gz`);
  }
  if (options.flag('tissue') && options.flag('no-tissue')) throw new UsageError('give --tissue or --no-tissue');
  return {
    slides,
    outputs,
    overlay: options.text('overlay'),
    heatmap: options.text('heatmap'),
    resume: options.flag('resume'),
    maxMemoryBytes: options.bytes('max-memory'),
    weights: options.text('weights'),
    formats: options.words('format', writerFormats),
    mpp: options.number('mpp', { above: true }),
    region: options.rect('region'),
    tissue: !options.flag('no-tissue'),
    variant: options.word('variant', ['hovernet', 'hoverfast']),
    minAreaUm2: options.number('min-area-um2'),
    simplify: options.number('simplify'),
    stain: options.word('stain', ['he', 'ihc-dab']),
    measure: options.flag('measure'),
    precision: options.word('precision', precisions),
    device: options.word('device', ['auto', 'cpu', 'cuda']),
    threads: options.integer('threads', 1, 4096),
    tileSize: options.integer('tile-size', 256, 4096),
    opening: openingOptions(options),
    progress: options.word('progress', progressModes),
  };
}
