import { typeError } from '../errors.js';
import { callNative } from '../internal/call.js';
import type { Image } from '../internal/image.js';
import { readAhead } from '../internal/read-ahead.js';
import { checkRect } from '../internal/rect.js';
import * as validate from '../internal/validate.js';
import { type NativeGrid, type NativeMask, native, type SlideHandle } from '../native.js';
import { checkTissueMask } from './check-tissue.js';
import type { TilesOptions } from './slide-types.js';

/** One tile of {@link Slide.tiles}. */
export interface SlideTile {
  /** Left edge in level-0 pixels. */
  readonly x: number;
  /** Upper edge in level-0 pixels. */
  readonly y: number;
  /** Place in the grid, from 0. */
  readonly column: number;
  /** Place in the grid, from 0. */
  readonly row: number;
  /** size x size pixels of the wanted resolution, RGB. */
  readonly image: Image;
}

const defaultReadAhead = 4;
const largestTilePx = 32768;
const maskMpp = 8;

function checkGrid(options: TilesOptions, levelCount: number): NativeGrid {
  const size = validate.integer('size', options.size ?? 512, 1, largestTilePx);
  if (options.mpp !== undefined && options.level !== undefined) {
    throw typeError('mpp, level: expected one of the two, got both');
  }
  return {
    size,
    overlap: validate.integer('overlap', options.overlap ?? 0, 0, size - 1),
    mpp: validate.optional('mpp', options.mpp, validate.positive),
    level: validate.optional('level', options.level, validate.integer, 0, levelCount - 1),
    region: options.region === undefined ? undefined : checkRect('region', options.region),
    minTissue: validate.number('minTissue', options.minTissue ?? 0.1, 0, 1),
  };
}

/** The mask by which tiles are kept; undefined keeps all. */
async function maskFor(
  slide: SlideHandle,
  tissue: TilesOptions['tissue'],
  signal: AbortSignal | undefined,
): Promise<NativeMask | undefined> {
  if (tissue === undefined || tissue === false) return undefined;
  if (tissue !== true) return checkTissueMask('tissue', tissue);
  return callNative(signal, (cancel) => native.slideTissueMask(slide, maskMpp, cancel));
}

/** The loop behind {@link Slide.tiles}; `open` gives the slide or throws that it is closed. */
export async function* readTiles(
  open: () => SlideHandle,
  levelCount: number,
  options: TilesOptions,
): AsyncGenerator<SlideTile, void, undefined> {
  const slide = open();
  const { signal } = options;
  const grid = checkGrid(options, levelCount);
  const ahead = validate.integer('readAhead', options.readAhead ?? defaultReadAhead, 1, 1024);
  const mask = await maskFor(slide, options.tissue, signal);
  const places = await callNative(signal, (cancel) => native.slideTileGrid(slide, grid, mask, cancel));
  yield* readAhead(places.length / 4, ahead, signal, async (index, stop) => {
    const [x, y, column, row] = places.subarray(4 * index, 4 * index + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const place = { x, y, column, row };
    const image = await callNative(stop, (cancel) => native.slideReadTile(slide, grid, place, cancel));
    return { ...place, image };
  });
}
