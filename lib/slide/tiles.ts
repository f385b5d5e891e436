import { typeError } from '../errors.js';
import { callNative } from '../internal/call.js';
import type { Image } from '../internal/image.js';
import { readAhead } from '../internal/read-ahead.js';
import { checkRect } from '../internal/rect.js';
import * as validate from '../internal/validate.js';
import { type ColorTableHandle, type NativeGrid, type NativeMask, native, type SlideHandle } from '../native.js';
import { checkTissueMask } from './check-tissue.js';
import { checkIcc } from './color-profile.js';
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
const smallestAnnouncement = 8;
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

/** What the loop needs to know of its slide. */
interface TiledSlide {
  /** The handle. @throws HistojetError HISTOJET_DISPOSED */
  readonly open: () => SlideHandle;
  readonly levelCount: number;
  readonly remote: boolean;
  /** What `icc` asks for. */
  readonly colorTable: (
    icc: 'srgb' | undefined,
    signal: AbortSignal | undefined,
  ) => Promise<ColorTableHandle | undefined>;
}

/**
 * Asks for the bytes of the next tiles of a remote slide: reads wait on few threads, so they alone would fetch few
 * tiles at a time. What goes wrong here shows at the read.
 *
 * @param ahead - tiles that are read ahead; their bytes are asked for earlier still
 * @returns to be called with the index of each tile that is going to be read, in order
 */
function announcer(
  slide: SlideHandle,
  grid: NativeGrid,
  places: Float64Array,
  ahead: number,
  signal: AbortSignal,
): (index: number) => void {
  const step = Math.max(smallestAnnouncement, ahead);
  let announced = 0;
  return (index) => {
    if (index + step <= announced || announced * 4 >= places.length) return;
    const next = places.subarray(4 * announced, 4 * (announced + 2 * step));
    announced += 2 * step;
    callNative(signal, (cancel) => native.slideAnnounceTiles(slide, grid, next, cancel)).catch(() => {});
  };
}

/** The loop behind {@link Slide.tiles}. */
export async function* readTiles(
  { open, levelCount, remote, colorTable }: TiledSlide,
  options: TilesOptions,
): AsyncGenerator<SlideTile, void, undefined> {
  const slide = open();
  const { signal } = options;
  const grid = checkGrid(options, levelCount);
  const ahead = validate.integer('readAhead', options.readAhead ?? defaultReadAhead, 1, 1024);
  const colors = await colorTable(checkIcc(options.icc), signal);
  const mask = await maskFor(slide, options.tissue, signal);
  const places = await callNative(signal, (cancel) => native.slideTileGrid(slide, grid, mask, cancel));
  let announce: ((index: number) => void) | undefined;
  yield* readAhead(places.length / 4, ahead, signal, async (index, stop) => {
    if (remote) {
      announce ??= announcer(slide, grid, places, ahead, stop);
      announce(index);
    }
    const [x, y, column, row] = places.subarray(4 * index, 4 * index + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const place = { x, y, column, row };
    const image = await callNative(stop, (cancel) => native.slideReadTile(slide, grid, place, cancel, colors));
    return { ...place, image };
  });
}
