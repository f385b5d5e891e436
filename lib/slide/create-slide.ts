import { HistojetError, typeError } from '../errors.js';
import { onAbort } from '../internal/abort.js';
import { withPicture } from '../internal/array-copy.js';
import { callNative } from '../internal/call.js';
import { type ProgressListener, ProgressMeter } from '../internal/progress.js';
import { checkRect, type Rect } from '../internal/rect.js';
import * as validate from '../internal/validate.js';
import { type NativeNewSlide, type NativePixels, native, type SlideHandle, type SpoolHandle } from '../native.js';
import type { Slide } from './slide.js';

/** A slide, or a part of it, as the source of a new one. */
export interface SlidePart {
  /** Where the pixels come from. */
  readonly slide: Slide;
  /**
   * Which part, in level-0 pixels; cut to the slide.
   * @defaultValue the whole slide
   */
  readonly region?: Rect;
  /**
   * Copies the pixels of this level; not together with the option `mpp`.
   * @defaultValue 0
   */
  readonly level?: number;
}

/** One piece of a new slide. */
export interface NewTile {
  /** Left edge in pixels of the new slide; pixels outside of it are dropped. */
  readonly x: number;
  /** Upper edge in pixels of the new slide. */
  readonly y: number;
  /** Pixels of any size. Alpha (4 channels) is composited on the background. */
  readonly image: {
    readonly data: Uint8Array | Uint8ClampedArray;
    readonly width: number;
    readonly height: number;
    readonly channels: 1 | 3 | 4;
  };
}

/**
 * Tiles in any order as the source of a new slide. They wait uncompressed in a temporary file beside the slide, so that
 * memory stays small; a later tile replaces what an earlier one put at the same place.
 */
export interface TileSource {
  /** Pixels of the new slide. */
  readonly width: number;
  /** Pixels of the new slide. */
  readonly height: number;
  /** The tiles, for example from an async generator. */
  readonly tiles: AsyncIterable<NewTile> | Iterable<NewTile>;
  /**
   * 3: RGB. 1: grey.
   * @defaultValue 3
   */
  readonly channels?: 1 | 3;
  /**
   * Colour where no tile lies; of grey slides the first number counts.
   * @defaultValue [255, 255, 255]
   */
  readonly background?: readonly [number, number, number];
}

/** A heat map, or any picture in memory, as the source of a new slide. */
export interface HeatMap {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `[height, width, channels]`: bytes, or numbers from 0 to 1 (what lies beyond is cut). */
  readonly data: Uint8Array | Float32Array;
  /**
   * 1: grey. 3: RGB.
   * @defaultValue 1
   */
  readonly channels?: 1 | 3;
}

/** What {@link Slide.create} makes a slide of. */
export type NewSlideSource = Slide | SlidePart | TileSource | HeatMap;

/** Options of {@link Slide.create}. */
export interface CreateSlideOptions {
  /**
   * Side of the stored tiles in pixels, a multiple of 16 from 16 to 4096.
   * @defaultValue 256
   */
  readonly tileSize?: number;
  /**
   * `'jpeg'` loses a little, the others keep every pixel. Every TIFF reader knows `'deflate'`; `'zstd'` is smaller and
   * quicker and needs libtiff 4.0.10 or later elsewhere.
   * @defaultValue 'jpeg'; for heat maps 'deflate'
   */
  readonly compression?: 'jpeg' | 'deflate' | 'zstd' | 'none';
  /**
   * JPEG quality, 1 to 100; from 90 on the colours are not subsampled.
   * @defaultValue 88
   */
  readonly quality?: number;
  /**
   * Micrometres per pixel of the new slide. A slide that knows its own is resampled to it.
   * @defaultValue that of the source, if it is a slide
   */
  readonly mpp?: number;
  /**
   * Whether smaller levels are stored.
   * @defaultValue true
   */
  readonly pyramid?: boolean;
  /** Stops the call; the promise rejects with the signal's reason and no file remains. */
  readonly signal?: AbortSignal;
  /** Called at most ten times a second; counts the tiles of the source (stage `'collect'`), then those stored. */
  readonly onProgress?: ProgressListener;
}

/** What {@link Slide.create} wrote. */
export interface CreatedSlide {
  /** The file. */
  readonly path: string;
  /** Level-0 pixels. */
  readonly width: number;
  /** Level-0 pixels. */
  readonly height: number;
  /** Size of the file. */
  readonly fileBytes: number;
}

/** The native handle of a slide, or undefined for anything else. */
export type HandleOf = (value: unknown) => SlideHandle | undefined;

type Kind =
  | { readonly kind: 'slide'; readonly handle: SlideHandle; readonly part: Omit<SlidePart, 'slide'> }
  | { readonly kind: 'tiles'; readonly source: TileSource }
  | { readonly kind: 'map'; readonly source: HeatMap };

function kindOf(source: NewSlideSource, handleOf: HandleOf): Kind {
  const whole = handleOf(source);
  if (whole !== undefined) return { kind: 'slide', handle: whole, part: {} };
  if (typeof source === 'object' && source !== null) {
    if ('slide' in source) {
      const handle = handleOf(source.slide);
      if (handle !== undefined) return { kind: 'slide', handle, part: source };
    } else if ('tiles' in source) {
      return { kind: 'tiles', source: source as TileSource }; // a Slide was recognised above
    } else if ('data' in source) {
      return { kind: 'map', source };
    }
  }
  throw typeError(
    'source: expected a Slide, { slide, region?, level? }, { width, height, tiles } or { width, height, data }, got ' +
      validate.kindOf(source),
  );
}

function checkOptions(path: string, options: CreateSlideOptions, fallback: 'jpeg' | 'deflate'): NativeNewSlide {
  const { tileSize = 256, compression = fallback, quality = 88, mpp, pyramid = true } = options;
  const checked = validate.integer('tileSize', tileSize, 16, 4096);
  validate.integer('tileSize / 16', checked / 16);
  return {
    tileSize: checked,
    compression: validate.oneOf('compression', compression, ['jpeg', 'deflate', 'zstd', 'none']),
    quality: validate.integer('quality', quality, 1, 100),
    subsampling: quality < 90 ? 2 : 1,
    mpp: validate.optional('mpp', mpp, validate.positive),
    pyramid: validate.boolean('pyramid', pyramid),
    ome: /\.ome\.tiff?$/i.test(path),
  };
}

function checkPixels(name: string, value: NewTile['image'] | HeatMap, channels: number): NativePixels {
  const width = validate.integer(`${name}.width`, value.width, 1);
  const height = validate.integer(`${name}.height`, value.height, 1);
  const { data } = value;
  if (data.length !== width * height * channels) {
    throw new HistojetError(
      'HISTOJET_SHAPE_MISMATCH',
      `${name}.data holds ${data.length} values, expected width x height x channels = ` +
        `${width} x ${height} x ${channels} = ${width * height * channels}`,
    );
  }
  const plain = data instanceof Uint8ClampedArray ? new Uint8Array(data.buffer, data.byteOffset, data.length) : data;
  return { data: plain, width, height, channels };
}

function checkTile(tile: NewTile): NativePixels {
  if (typeof tile !== 'object' || tile === null || typeof tile.image !== 'object' || tile.image === null) {
    throw typeError(`tiles: expected { x, y, image }, got ${validate.kindOf(tile)}`);
  }
  validate.integer('tile.x', tile.x);
  validate.integer('tile.y', tile.y);
  const { data } = tile.image;
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw typeError(`tile.image.data: expected a Uint8Array or Uint8ClampedArray, got ${validate.kindOf(data)}`);
  }
  return checkPixels('tile.image', tile.image, validate.integer('tile.image.channels', tile.image.channels, 1, 4));
}

/** The next result of an iterator, or the signal's reason: an iterator that hangs must not hold the call. */
function nextOf<Value>(
  step: Promise<IteratorResult<Value>>,
  signal: AbortSignal | undefined,
): Promise<IteratorResult<Value>> {
  if (signal === undefined) return step;
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => reject(signal.reason));
    step.then(resolve, reject).finally(forget);
    if (signal.aborted) reject(signal.reason);
  });
}

/** Runs a native call that takes pixels; large ones are copied in pieces, numbers of a heat map at once. */
function withPixels<Result>(pixels: NativePixels, job: (pixels: NativePixels) => Promise<Result>): Promise<Result> {
  const { data } = pixels;
  return data instanceof Uint8Array ? withPicture({ ...pixels, data }, job) : job(pixels);
}

async function collect(
  spool: SpoolHandle,
  tiles: TileSource['tiles'],
  signal: AbortSignal | undefined,
  meter: ProgressMeter,
): Promise<void> {
  const iterator =
    Symbol.asyncIterator in tiles ? tiles[Symbol.asyncIterator]() : (tiles as Iterable<NewTile>)[Symbol.iterator]();
  let count = 0;
  let finished = false;
  try {
    while (true) {
      const step = await nextOf(Promise.resolve(iterator.next()), signal);
      if (step.done === true) {
        finished = true;
        return;
      }
      const { x, y } = step.value;
      const image = checkTile(step.value);
      await callNative(signal, (cancel) =>
        withPixels(image, (copied) => native.spoolWrite(spool, copied, x, y, cancel)),
      );
      meter.report(++count, 0);
    }
  } finally {
    if (!finished) Promise.resolve(iterator.return?.()).catch(() => {}); // not awaited: it may hang as well
  }
}

/** Fills a store with tiles. @throws what the iterator throws */
async function spoolTiles(path: string, source: TileSource, options: CreateSlideOptions): Promise<SpoolHandle> {
  const { tiles, channels = 3, background = [255, 255, 255] } = source;
  if (typeof tiles !== 'object' || tiles === null || !(Symbol.asyncIterator in tiles || Symbol.iterator in tiles)) {
    throw typeError(`source.tiles: expected an iterable, got ${validate.kindOf(tiles)}`);
  }
  const size = {
    width: validate.integer('source.width', source.width, 1),
    height: validate.integer('source.height', source.height, 1),
    channels: checkChannels(channels),
    background: validate.color('source.background', background),
  };
  const { signal } = options;
  const spool = await callNative(signal, (cancel) => native.spoolOpen(path, size, cancel));
  try {
    await collect(spool, tiles, signal, new ProgressMeter('collect', options.onProgress));
    return spool;
  } catch (error) {
    native.spoolClose(spool);
    throw error;
  }
}

function checkChannels(channels: unknown): 1 | 3 {
  return validate.integer('source.channels', channels, 1, 3) === 1 ? 1 : three(channels);
}

function three(channels: unknown): 3 {
  if (channels !== 3) throw typeError(`source.channels: expected 1 or 3, got ${validate.kindOf(channels)}`);
  return channels;
}

function checkPart({ region, level }: Omit<SlidePart, 'slide'>, mpp: number | undefined) {
  if (level !== undefined && mpp !== undefined) throw typeError('level, mpp: expected one of the two, got both');
  return {
    region: region === undefined ? undefined : checkRect('source.region', region),
    level: validate.optional('source.level', level, validate.integer, 0),
    mpp,
  };
}

function checkMap(source: HeatMap): NativePixels {
  const { data, channels = 1 } = source;
  if (!(data instanceof Uint8Array || data instanceof Float32Array)) {
    throw typeError(`source.data: expected a Uint8Array or Float32Array, got ${validate.kindOf(data)}`);
  }
  return checkPixels('source', source, checkChannels(channels));
}

/** The work behind {@link Slide.create}; `handleOf` tells slides from everything else. */
export async function createSlide(
  path: string,
  source: NewSlideSource,
  given: CreateSlideOptions | undefined,
  handleOf: HandleOf,
): Promise<CreatedSlide> {
  validate.text('path', path);
  const options = validate.options('options', given);
  const { signal } = options;
  const listener = validate.callback('onProgress', options.onProgress);
  const found = kindOf(source, handleOf);
  const checked = checkOptions(path, options, found.kind === 'map' ? 'deflate' : 'jpeg');
  const run = async (pixels: Parameters<typeof native.createSlide>[1]): Promise<CreatedSlide> => {
    const meter = new ProgressMeter('write', listener);
    const report = listener && ((done: number, total: number): void => meter.report(done, total));
    const made = await callNative(signal, (cancel) => native.createSlide(path, pixels, checked, report, cancel));
    return { path, ...made };
  };
  if (found.kind === 'map') return withPixels(checkMap(found.source), run);
  if (found.kind === 'slide') return run({ slide: found.handle, ...checkPart(found.part, checked.mpp) });
  const spool = await spoolTiles(path, found.source, options);
  try {
    return await run({ spool });
  } finally {
    native.spoolClose(spool);
  }
}
