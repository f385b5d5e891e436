import { constants } from 'node:buffer';
import { disposedError, HistojetError, rangeError, typeError } from '../errors.js';
import { callNative, callSync, recordOf } from '../internal/call.js';
import type { Image } from '../internal/image.js';
import type { Rect } from '../internal/rect.js';
import * as validate from '../internal/validate.js';
import { type ColorTableHandle, type NativeRegion, native, type SlideHandle } from '../native.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkIcc, makeColorTable } from './color-profile.js';
import { readCompanion } from './companion.js';
import { type CreatedSlide, type CreateSlideOptions, createSlide, type NewSlideSource } from './create-slide.js';
import { DeepZoom, type DeepZoomOptions } from './deep-zoom.js';
import { isAddress, openHttpSource } from './http-source.js';
import { type BatchRequest, readBatch } from './read-batch.js';
import type {
  DamagedTile,
  ReadAtRequest,
  RegionRequest,
  SlideLevel,
  SlideMpp,
  SlideOptions,
  TilesOptions,
  TissueMask,
  TissueOptions,
} from './slide-types.js';
import { readTiles, type SlideTile } from './tiles.js';

let unwrap: (slide: Slide) => SlideHandle;

/** A request that native code can read without looking twice. */
function checkRegion(request: RegionRequest, levelCount: number): NativeRegion {
  const { level = 0, channels = 3, coordinates = 'level0', resample = 'nearest', background, out } = request;
  const region: NativeRegion = {
    x: validate.integer('x', request.x),
    y: validate.integer('y', request.y),
    width: validate.integer('width', request.width, 1),
    height: validate.integer('height', request.height, 1),
    level: validate.integer('level', level, 0, levelCount - 1),
    channels: validate.integer('channels', channels, 3, 4) as 3 | 4,
    coordinates: validate.oneOf('coordinates', coordinates, ['level0', 'level']),
    resample: validate.oneOf('resample', resample, ['nearest', 'bilinear']),
    background: validate.optional('background', background, validate.color),
  };
  const bytes = checkSize(region.width, region.height, region.channels);
  if (out !== undefined) {
    if (!(out instanceof Uint8Array)) throw typeError(`out: expected a Uint8Array, got ${validate.kindOf(out)}`);
    if (out.length !== bytes) {
      throw new HistojetError('HISTOJET_SHAPE_MISMATCH', `out: expected ${bytes} bytes, got ${out.length}`);
    }
  }
  return region;
}

/** Bytes of a picture that still fits into one array. */
function checkSize(width: number, height: number, channels: number): number {
  const bytes = width * height * channels;
  if (bytes > constants.MAX_LENGTH) {
    throw rangeError(
      `width x height x channels: expected at most ${constants.MAX_LENGTH} bytes, got ${width} x ${height} x ${channels}`,
    );
  }
  return bytes;
}

/**
 * An open whole-slide image. Reading is safe from any number of calls at once; decoded tiles are cached within
 * `maxCacheBytes`.
 *
 * @example
 * await using slide = await Slide.open('case-17.svs');
 * const { data, width, height } = await slide.readRegion({ x: 4096, y: 4096, width: 512, height: 512 });
 */
export class Slide implements AsyncDisposable {
  /** The path or address that was opened; an address without user name and password. */
  readonly path: string;
  /** What the file is, recognised by content: `'aperio'`, `'generic-tiff'`, `'png'`, … */
  readonly format: string;
  /** Level-0 pixels. */
  readonly width: number;
  /** Level-0 pixels. */
  readonly height: number;
  /** Resolutions, level 0 (full) first. */
  readonly levels: readonly SlideLevel[];
  /** Micrometres per level-0 pixel; null when nothing says it. */
  readonly mpp: SlideMpp | null;
  /** Magnification of the objective, for example 40; null when nothing says it. */
  readonly objectivePower: number | null;
  /** OpenSlide's names and values, and the vendor's own keys. */
  readonly properties: Readonly<Record<string, string>>;
  /** The part that was scanned, in level-0 pixels; the whole slide when the file does not say. */
  readonly bounds: Rect;
  /** Names for {@link Slide.readAssociatedImage}, for example `'label'`, `'macro'`, `'thumbnail'`. */
  readonly associatedImages: readonly string[];
  #handle: SlideHandle | null;
  #lastWarnings: readonly string[] = [];
  #colorTable: Promise<ColorTableHandle | undefined> | undefined;

  static {
    unwrap = (slide) => slide.#open();
  }

  private constructor(path: string, handle: SlideHandle) {
    const info = native.slideInfo(handle);
    const [base] = info.levels;
    this.path = path;
    this.format = info.format;
    this.width = base?.width ?? 0;
    this.height = base?.height ?? 0;
    this.levels = Object.freeze(info.levels.map((level) => Object.freeze(level)));
    this.mpp = info.mpp === null ? null : Object.freeze(info.mpp);
    this.objectivePower = info.objectivePower;
    this.properties = recordOf(info.properties);
    this.bounds = Object.freeze(info.bounds);
    this.associatedImages = Object.freeze(info.associatedImages);
    this.#handle = handle;
  }

  /**
   * Opens a slide; the format is recognised by content.
   *
   * @param path - a local file, the folder of a DICOM or OME-Zarr slide, or an `http:` or `https:` address of a file
   * whose server answers range requests
   * @throws {@link HistojetError} `HISTOJET_IO`, `HISTOJET_UNSUPPORTED_FORMAT` (naming the format where it is known),
   * `HISTOJET_CORRUPT_FILE` (what is wrong and where)
   */
  static async open(path: string, options?: SlideOptions): Promise<Slide> {
    validate.text('path', path);
    const { headers, timeoutMs, signal, ...reading } = validate.options('options', options);
    const { mpp, tolerant = false, maxCacheBytes, openslide = 'auto' } = reading;
    const checked = {
      mpp: validate.optional('mpp', mpp, validate.positive),
      tolerant: validate.boolean('tolerant', tolerant),
      maxCacheBytes: validate.optional('maxCacheBytes', maxCacheBytes, validate.integer, 0),
      openslide: validate.text('openslide', openslide),
    };
    if (isAddress(path)) {
      const { url, handle } = await openHttpSource(path, { headers, timeoutMs }, validate.signal(signal));
      try {
        return new Slide(url, await callNative(signal, (cancel) => native.slideOpenRemote(handle, checked, cancel)));
      } catch (error) {
        native.remoteClose(handle);
        throw error;
      }
    }
    const local = { ...checked, companion: mpp === undefined ? await readCompanion(path) : undefined };
    return new Slide(path, await callNative(signal, (cancel) => native.slideOpen(path, local, cancel)));
  }

  /**
   * Writes a slide: tiled, pyramidal BigTIFF, or OME-TIFF where the path ends in `.ome.tif` or `.ome.tiff`. The source
   * is a slide or a part of it (whose ICC profile comes along), tiles in any order, or a heat map. Equal sources give
   * equal bytes; memory does not grow with the height.
   *
   * @param path - the slide to write; has the suffix `.part` until it is complete
   * @throws {@link HistojetError} `HISTOJET_IO`, `HISTOJET_CORRUPT_FILE` (the source), `HISTOJET_SHAPE_MISMATCH` (pixels
   * that do not have their size), `HISTOJET_INVALID_ARGUMENT` (a region outside the slide); TypeError, RangeError
   * @example
   * await Slide.create('half.tif', slide, { mpp: 0.5, quality: 90 });
   * await Slide.create('heat.ome.tif', { width, height, data: attention }, { mpp: 8 });
   */
  static async create(path: string, source: NewSlideSource, options?: CreateSlideOptions): Promise<CreatedSlide> {
    return createSlide(path, source, options, (value) => (value instanceof Slide ? value.#open() : undefined));
  }

  /** Damage that was met so far: levels that were skipped at opening, tiles that a tolerant slide painted over. */
  get warnings(): readonly string[] {
    if (this.#handle !== null) this.#lastWarnings = Object.freeze(native.slideWarnings(this.#handle));
    return this.#lastWarnings;
  }

  /** With `tolerant`: the damaged tiles that reads met so far, each once, at most 10 000. Empty after closing. */
  get damagedTiles(): readonly DamagedTile[] {
    return this.#handle === null ? [] : native.slideDamagedTiles(this.#handle);
  }

  /** Whether {@link Slide.close} was called. */
  get closed(): boolean {
    return this.#handle === null;
  }

  /**
   * Reads pixels of one level as they are stored; see {@link RegionRequest} for the defaults.
   *
   * @returns [height, width, channels], 8 bits each
   * @throws {@link HistojetError} `HISTOJET_CORRUPT_FILE` (level, column and row of the tile), `HISTOJET_IO`,
   * `HISTOJET_SHAPE_MISMATCH` (`out`), `HISTOJET_DISPOSED`; TypeError, RangeError
   */
  async readRegion(request: RegionRequest): Promise<Image> {
    const handle = this.#open();
    const region = checkRegion(validate.options('request', request), this.levels.length);
    const { out, signal } = request;
    const colors = request.icc === undefined ? undefined : await this.#colors(checkIcc(request.icc), signal);
    return callNative(signal, (cancel) => native.slideReadRegion(handle, region, out, cancel, colors));
  }

  /**
   * Reads at any resolution: area average when shrinking, bicubic when enlarging. Windows read apart fit together
   * without a seam.
   *
   * @returns [height, width, channels], 8 bits each
   * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` (a slide without mpp), `HISTOJET_CORRUPT_FILE`,
   * `HISTOJET_IO`, `HISTOJET_DISPOSED`; TypeError, RangeError
   */
  async readAt(request: ReadAtRequest): Promise<Image> {
    const handle = this.#open();
    const { channels = 3, signal } = validate.options('request', request);
    const region = {
      x: validate.number('x', request.x),
      y: validate.number('y', request.y),
      width: validate.integer('width', request.width, 1),
      height: validate.integer('height', request.height, 1),
      mpp: validate.positive('mpp', request.mpp),
      channels: validate.integer('channels', channels, 3, 4) as 3 | 4,
    };
    checkSize(region.width, region.height, region.channels);
    const colors = request.icc === undefined ? undefined : await this.#colors(checkIcc(request.icc), signal);
    return callNative(signal, (cancel) => native.slideReadAt(handle, region, cancel, colors));
  }

  /**
   * Reads many windows of one size in one call, in parallel, as the input of a network.
   *
   * @returns uint8 or, normalised, float32: [batch, height, width, 3], or [batch, 3, height, width] as `'nchw'`
   * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` (mpp on a slide without mpp, no position),
   * `HISTOJET_CORRUPT_FILE`, `HISTOJET_IO`, `HISTOJET_OUT_OF_MEMORY`, `HISTOJET_DISPOSED`; TypeError, RangeError
   * @example
   * const normalize = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
   * const batch = await slide.readBatch({ positions, width: 224, height: 224, mpp: 0.5, layout: 'nchw', normalize });
   */
  async readBatch(request: BatchRequest): Promise<Tensor> {
    const slide = {
      handle: this.#open(),
      levelCount: this.levels.length,
      colorTable: (icc: 'srgb' | undefined, signal: AbortSignal | undefined) => this.#colors(icc, signal),
    };
    return readBatch(slide, request);
  }

  /**
   * Reads a picture that lies beside the pyramid.
   *
   * @param name - one of {@link Slide.associatedImages}
   * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` (no such picture), `HISTOJET_CORRUPT_FILE`,
   * `HISTOJET_IO`, `HISTOJET_DISPOSED`
   */
  async readAssociatedImage(name: string, options?: { readonly signal?: AbortSignal }): Promise<Image> {
    const handle = this.#open();
    validate.text('name', name);
    return callNative(options?.signal, (cancel) => native.slideReadAssociated(handle, name, cancel));
  }

  /**
   * The whole slide in small, composited on its background; never enlarged.
   *
   * @param options - `maxSize`: pixels of the longer side; `icc: 'srgb'`: colours by the slide's ICC profile
   * @throws {@link HistojetError} `HISTOJET_CORRUPT_FILE`, `HISTOJET_IO`, `HISTOJET_DISPOSED`; TypeError, RangeError
   */
  async thumbnail(options: {
    readonly maxSize: number;
    readonly icc?: 'srgb';
    readonly signal?: AbortSignal;
  }): Promise<Image> {
    const handle = this.#open();
    const { maxSize, icc, signal } = validate.options('options', options);
    validate.integer('maxSize', maxSize, 1, 65535);
    const colors = icc === undefined ? undefined : await this.#colors(checkIcc(icc), signal);
    return callNative(signal, (cancel) => native.slideThumbnail(handle, maxSize, cancel, colors));
  }

  /**
   * The ICC profile that the file holds for its pixels; null when there is none.
   *
   * @throws {@link HistojetError} `HISTOJET_CORRUPT_FILE`, `HISTOJET_IO`, `HISTOJET_DISPOSED`
   */
  async iccProfile(options?: { readonly signal?: AbortSignal }): Promise<Uint8Array | null> {
    const handle = this.#open();
    return callNative(options?.signal, (cancel) => native.slideIccProfile(handle, cancel));
  }

  /**
   * Tells tissue from glass.
   *
   * @throws {@link HistojetError} `HISTOJET_CORRUPT_FILE`, `HISTOJET_IO`, `HISTOJET_DISPOSED`; TypeError, RangeError
   */
  async tissueMask(options?: TissueOptions): Promise<TissueMask> {
    const handle = this.#open();
    const { mpp = 8, method = 'otsu', signal } = validate.options('options', options);
    validate.positive('mpp', mpp);
    validate.oneOf('method', method, ['otsu']);
    return callNative(signal, (cancel) => native.slideTissueMask(handle, mpp, cancel));
  }

  /**
   * Tiles in raster order. The grid starts at the region's (or the slide's) corner; tiles at the right and lower edge
   * reach beyond it and are padded with background, never dropped. Leaving the loop early cancels what is being read.
   *
   * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` (mpp on a slide without mpp), `HISTOJET_CORRUPT_FILE`,
   * `HISTOJET_IO`, `HISTOJET_DISPOSED`; TypeError, RangeError
   * @example
   * for await (const { x, y, image } of slide.tiles({ size: 512, mpp: 0.5, tissue: true })) use(x, y, image);
   */
  tiles(options?: TilesOptions): AsyncIterable<SlideTile> {
    const slide = {
      open: () => this.#open(),
      levelCount: this.levels.length,
      remote: isAddress(this.path),
      colorTable: (icc: 'srgb' | undefined, signal: AbortSignal | undefined) => this.#colors(icc, signal),
    };
    return readTiles(slide, validate.options('options', options));
  }

  /**
   * The slide as a Deep Zoom pyramid for viewers in a browser. Tiles are made when they are asked for.
   *
   * @throws {@link HistojetError} `HISTOJET_DISPOSED`; TypeError, RangeError
   * @example
   * const zoom = slide.deepZoom({ limitBounds: true });
   * await writeFile('case-17.dzi', zoom.descriptor());
   * const jpeg = await zoom.tile(zoom.levels.length - 1, 0, 0);
   */
  deepZoom(options?: DeepZoomOptions): DeepZoom {
    const slide = {
      open: () => this.#open(),
      colorTable: (icc: 'srgb' | undefined, signal: AbortSignal | undefined) => this.#colors(icc, signal),
    };
    return new DeepZoom(slide, validate.options('options', options));
  }

  /**
   * The level to read for a view at `downsample`: the largest downsample that is not above it, else 0.
   *
   * @param downsample - level-0 pixels per pixel of the view
   * @throws {@link HistojetError} `HISTOJET_DISPOSED`; TypeError, RangeError
   */
  bestLevelForDownsample(downsample: number): number {
    const handle = this.#open();
    validate.positive('downsample', downsample);
    return callSync(() => native.slideBestLevel(handle, downsample));
  }

  /**
   * `'sha256:…'` over the file's length, first and last MiB: tells slides apart without reading them whole.
   *
   * @throws {@link HistojetError} `HISTOJET_IO`, `HISTOJET_DISPOSED`
   */
  async fingerprint(options?: { readonly signal?: AbortSignal }): Promise<string> {
    const handle = this.#open();
    return callNative(options?.signal, (cancel) => native.slideFingerprint(handle, cancel));
  }

  /** Closes the file once running calls are done. Closing twice is fine. */
  async close(): Promise<void> {
    if (this.#handle === null) return;
    this.#lastWarnings = this.warnings;
    native.slideClose(this.#handle);
    this.#handle = null;
  }

  /** The same as {@link Slide.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What turns the slide's colours into sRGB, made once; undefined when nothing is asked for or nothing is needed. */
  async #colors(icc: 'srgb' | undefined, signal: AbortSignal | undefined): Promise<ColorTableHandle | undefined> {
    if (icc === undefined) return undefined;
    signal?.throwIfAborted();
    this.#colorTable ??= this.iccProfile().then((profile) => (profile === null ? undefined : makeColorTable(profile)));
    const table = await this.#colorTable;
    signal?.throwIfAborted();
    return table;
  }

  #open(): SlideHandle {
    if (this.#handle === null) throw disposedError('slide');
    return this.#handle;
  }
}

/** The native handle. @throws HistojetError HISTOJET_DISPOSED */
export function slideHandle(slide: Slide): SlideHandle {
  return unwrap(slide);
}
