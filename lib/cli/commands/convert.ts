import { resolve } from 'node:path';
import { type CreateSlideOptions, type Rect, Slide } from '../../index.js';
import { OptionReader, splitArguments } from '../arguments.js';
import type { Command } from '../command.js';
import { exitCodes, OutputError, UsageError } from '../exit-codes.js';
import { withInterruption } from '../interruption.js';
import { type OpeningOptions, openingOptions, openingTable } from '../opening-options.js';
import { ProgressDisplay, type ProgressMode, progressMode, progressModes } from '../progress-display.js';
import { clock, grouped, humanBytes } from '../terminal.js';

/** What `histojet convert` was asked to do. */
interface ConvertOptions {
  readonly slide: string;
  readonly output: string;
  readonly compression: 'jpeg' | 'deflate' | 'zstd' | 'none' | undefined;
  readonly quality: number | undefined;
  readonly tileSize: number | undefined;
  readonly mpp: number | undefined;
  readonly region: Rect | undefined;
  readonly pyramid: boolean;
  readonly opening: OpeningOptions;
  readonly progress: ProgressMode | undefined;
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

const optionTable = {
  compression: text,
  quality: text,
  'tile-size': text,
  mpp: text,
  region: text,
  'no-pyramid': flag,
  ...openingTable,
  progress: text,
} as const;

/** Tells the two paths. @throws UsageError */
function paths(positionals: readonly string[]): { slide: string; output: string } {
  const [slide, output, further] = positionals;
  const usage = 'for example: histojet convert case-17.svs case-17.tif';
  if (slide === undefined) throw new UsageError('convert: SLIDE is missing', usage);
  if (output === undefined) throw new UsageError('convert: OUT.tif is missing', usage);
  if (further !== undefined) throw new UsageError(`convert: expected SLIDE and OUT.tif, got ${further} as well`, usage);
  if (!/\.tiff?$/i.test(output)) {
    throw new UsageError(`${output} does not end in .tif or .tiff`, 'slides are written as TIFF; .ome.tif is OME-TIFF');
  }
  if (resolve(slide) === resolve(output)) {
    throw new UsageError(`${output} is the slide itself`, 'give the output another name');
  }
  return { slide, output };
}

/** Reads the arguments of `histojet convert`. @throws UsageError */
function convertOptions(args: readonly string[]): ConvertOptions {
  const given = splitArguments('convert', args, optionTable);
  const options = new OptionReader(given);
  const tileSize = options.integer('tile-size', 16, 4096);
  if (tileSize !== undefined && tileSize % 16 !== 0) {
    throw new UsageError(`--tile-size: expected a multiple of 16; got ${tileSize}`);
  }
  return {
    ...paths(given.positionals),
    compression: options.word('compression', ['jpeg', 'deflate', 'zstd', 'none']),
    quality: options.integer('quality', 1, 100),
    tileSize,
    mpp: options.number('mpp', { above: true }),
    region: options.rect('region'),
    pyramid: !options.flag('no-pyramid'),
    opening: openingOptions(options),
    progress: options.word('progress', progressModes),
  };
}

function createOptions({ compression, quality, tileSize, mpp, pyramid }: ConvertOptions): CreateSlideOptions {
  return {
    pyramid,
    ...(compression !== undefined && { compression }),
    ...(quality !== undefined && { quality }),
    ...(tileSize !== undefined && { tileSize }),
    ...(mpp !== undefined && { mpp }),
  };
}

/** The part of the slide that is copied; throws when there is none. */
function partOf(slide: Slide, region: Rect | undefined): { slide: Slide; region?: Rect } {
  if (region === undefined) return { slide };
  const { x, y, width, height } = region;
  if (x >= slide.width || y >= slide.height || x + width <= 0 || y + height <= 0) {
    throw new UsageError(`--region lies outside the slide, which has ${slide.width} x ${slide.height} px`);
  }
  return { slide, region };
}

/** What could not be written is the output's fault, everything else that goes wrong here the input's. */
async function copying<Result>(step: () => Promise<Result>): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof Error && /^cannot (write|rename)/.test(error.message)) throw new OutputError(error);
    throw error;
  }
}

/** `histojet convert SLIDE OUT.tif` */
export const convert: Command = async (args, terminal) => {
  const options = convertOptions(args);
  const display = new ProgressDisplay(progressMode(options.progress, terminal.stderr), terminal.stderr);
  const started = performance.now();
  return withInterruption(async (signal) => {
    await using slide = await Slide.open(options.slide, { ...options.opening, signal });
    const part = partOf(slide, options.region);
    const made = await copying(() =>
      Slide.create(options.output, part, {
        ...createOptions(options),
        signal,
        onProgress: (progress) => display.update(progress, 'tiles'),
      }),
    );
    for (const warning of new Set(slide.warnings)) display.warn(warning);
    const seconds = (performance.now() - started) / 1000;
    const path = resolve(options.output);
    const { width, height, fileBytes } = made;
    display.result(
      `${grouped(width)} x ${grouped(height)} px, ${humanBytes(fileBytes)} in ${clock(seconds)}: ${path}`,
      { path, width, height, fileBytes, seconds: Number(seconds.toFixed(3)) },
    );
    return exitCodes.ok;
  });
};
