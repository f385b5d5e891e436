import { typeError } from '../errors.js';
import { withPicture } from '../internal/array-copy.js';
import { callNative } from '../internal/call.js';
import { floatTiff } from '../internal/float-tiff.js';
import type { Image } from '../internal/image.js';
import type { NativeGridValues } from '../internal/native-heat-map.js';
import type { Rect } from '../internal/rect.js';
import { version } from '../internal/system-info.js';
import * as validate from '../internal/validate.js';
import { writeWholeFile } from '../internal/whole-file.js';
import { native } from '../native.js';
import { Slide } from '../slide/slide.js';
import { colormaps } from '../writers/density-map.js';
import { encodePng } from '../writers/pictures.js';
import { readScaled } from '../writers/scaled-picture.js';
import type {
  RelevanceOverlayOptions,
  RelevancePart,
  RelevanceRenderOptions,
  RelevanceTiffOptions,
} from './attribution-types.js';
import type { PixelMambaPrediction } from './pixel-mamba-types.js';

/** Numbers on squares of a slide. */
export interface PlacedMap {
  /** Size of a square in level-0 pixels (pixels of a picture). */
  readonly cellPx: { readonly x: number; readonly y: number };
  /** Squares across. */
  readonly width: number;
  /** Squares down. */
  readonly height: number;
  /** `[height, width]`; NaN where the network did not look. */
  readonly values: Float32Array;
  /** Smallest of `values`. */
  readonly min: number;
  /** Largest of `values`. */
  readonly max: number;
}

/** What heat maps are of; see the members of {@link PlacedMaps}. */
export interface PlacedMapsSource {
  readonly prediction: PixelMambaPrediction;
  readonly target: number | null;
  readonly region: Rect;
  /** Micrometres per level-0 pixel; null for pictures. */
  readonly mpp: { readonly x: number; readonly y: number } | null;
  readonly provenance: Readonly<Record<string, unknown>>;
}

/** A file's worth of numbers. */
export interface MapPlane {
  readonly name: string;
  readonly values: Float32Array;
}

/** What both kinds of attribution have in common: pictures and files of their maps. */
export abstract class PlacedMaps<Map extends PlacedMap> {
  /** What is explained. */
  readonly prediction: PixelMambaPrediction;
  /** Number of the output that is explained; null: none of them. */
  readonly target: number | null;
  /** The part of the slide that the maps cover, level-0 pixels; their corner is its corner. */
  readonly region: Rect;
  readonly #mpp: PlacedMapsSource['mpp'];
  readonly #provenance: PlacedMapsSource['provenance'];

  protected constructor({ prediction, target, region, mpp, provenance }: PlacedMapsSource) {
    this.prediction = prediction;
    this.target = target;
    this.region = Object.freeze(region);
    this.#mpp = mpp;
    this.#provenance = provenance;
  }

  /** The map with the smallest squares. */
  abstract get finest(): Map;
  /** Which parts of a map there are. */
  protected abstract readonly parts: readonly RelevancePart[];
  /** The numbers of one of them. */
  protected abstract select(map: Map, part: RelevancePart): Float32Array;
  /** The numbers of the finest map, for files. */
  protected abstract planes(): readonly MapPlane[];
  /** What the file beside a map says of it. */
  protected abstract describe(): Readonly<Record<string, unknown>>;

  /**
   * A picture of one pixel per square, transparent where there is nothing.
   *
   * @param map - default {@link PlacedMaps.finest}
   * @returns RGBA
   * @throws TypeError, RangeError
   */
  async render(options?: RelevanceRenderOptions, map: Map = this.finest): Promise<Image> {
    const { image } = await this.#paint(validate.options('options', options), map, 4);
    return image;
  }

  /**
   * The heat map over the slide.
   *
   * @param slide - the slide that was explained
   * @param map - default {@link PlacedMaps.finest}
   * @returns RGB
   * @throws {@link HistojetError} what reading a slide throws; TypeError, RangeError
   */
  async overlay(slide: Slide, options?: RelevanceOverlayOptions, map: Map = this.finest): Promise<Image> {
    if (!(slide instanceof Slide)) throw typeError(`slide: expected a Slide, got ${validate.kindOf(slide)}`);
    const given = validate.options('options', options);
    const { signal, maxSize = 2048, opacity = 0.8 } = given;
    validate.integer('maxSize', maxSize, 16, 65535);
    validate.number('opacity', opacity, 0, 1);
    const { colormap, max, part } = this.#checkRender(given);
    const placed = await readScaled(slide, this.region, maxSize, signal === undefined ? {} : { signal });
    const look = {
      colormap,
      max,
      opacity,
      cellWidth: map.cellPx.x / placed.scale,
      cellHeight: map.cellPx.y / placed.scaleY,
    };
    const { image } = await callNative(signal, (cancel) =>
      withPicture(placed.image, (picture) => native.heatMapOverlay(picture, this.#grid(map, part), look, cancel)),
    );
    return image;
  }

  /**
   * Writes the heat map as a PNG, over the slide if one is given, else one pixel per square, and `<path>.json` that says
   * what it shows. Both have the suffix `.part` until they are complete.
   *
   * @throws {@link HistojetError} `HISTOJET_IO`, what reading a slide throws; TypeError, RangeError
   */
  async savePng(path: string, slide?: Slide, options?: RelevanceOverlayOptions): Promise<void> {
    validate.text('path', path);
    const { signal } = validate.options('options', options);
    const image = slide === undefined ? await this.render(options) : await this.overlay(slide, options);
    const png = await encodePng(image, signal === undefined ? {} : { signal });
    await writeWholeFile(path, png, signal);
    const content = slide === undefined ? 'one pixel per square' : 'over the slide';
    await this.#saveDescription(path, { content, part: options?.part ?? 'all' }, signal);
  }

  /**
   * Writes the heat map as a tiled TIFF with smaller levels where it is large, and `<path>.json`. Its resolution is
   * recorded, so that it lies on the slide where viewers scale by micrometres. `.ome.tif` makes an OME-TIFF.
   *
   * @throws {@link HistojetError} `HISTOJET_IO`; TypeError, RangeError
   */
  async saveTiff(path: string, options?: RelevanceTiffOptions): Promise<void> {
    validate.text('path', path);
    const given = validate.options('options', options);
    const content = validate.oneOf('content', given.content ?? 'colors', ['colors', 'values']);
    const { signal } = given;
    const channels = content === 'colors' ? 3 : 1;
    const { image, max } = await this.#paint(given, this.finest, channels);
    const { x, y } = this.#mppOf(this.finest);
    const tiff = {
      tileSize: 256,
      compression: 'deflate',
      quality: 100,
      subsampling: 1,
      mpp: x,
      mppY: y,
      pyramid: true,
      ome: /\.ome\.tiff?$/i.test(path),
    } as const;
    const pixels = { ...image, channels };
    await callNative(signal, (cancel) => native.createSlide(path, pixels, tiff, undefined, cancel));
    await this.#saveDescription(path, { content, max, part: given.part ?? 'all' }, signal);
  }

  /**
   * Writes the numbers of the finest map: an OME-TIFF of 32-bit floating point with the channel `all` (and `local`, for
   * roll-out), NaN where the network did not look, and `<path>.json`.
   *
   * @throws {@link HistojetError} `HISTOJET_IO`; TypeError
   */
  async saveValues(path: string, options?: { readonly signal?: AbortSignal }): Promise<void> {
    validate.text('path', path);
    const { signal } = validate.options('options', options);
    const { width, height } = this.finest;
    const planes = this.planes().map(({ name, values }) => ({ name, read: async () => values }));
    const mpp = this.#mpp === null ? { x: 1, y: 1 } : this.#mppOf(this.finest);
    const about = { width, height, mpp, software: `histojet ${version}` };
    await writeWholeFile(path, floatTiff({ ...about, mpp: { x: mpp.x ?? 1, y: mpp.y ?? 1 } }, planes), signal);
    await this.#saveDescription(path, { content: 'float32', channels: planes.map(({ name }) => name) }, signal);
  }

  async #paint(options: RelevanceRenderOptions, map: Map, channels: 1 | 3 | 4) {
    const { colormap, max, part } = this.#checkRender(options);
    const { image, max: end } = await callNative(options.signal, (cancel) =>
      native.heatMapRender(this.#grid(map, part), { colormap, max, channels }, cancel),
    );
    return { image, max: end };
  }

  #mppOf({ cellPx }: Map): { readonly x: number | undefined; readonly y: number | undefined } {
    if (this.#mpp === null) return { x: undefined, y: undefined };
    return { x: this.#mpp.x * cellPx.x, y: this.#mpp.y * cellPx.y };
  }

  async #saveDescription(
    path: string,
    about: Readonly<Record<string, unknown>>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { region, target, finest } = this;
    const description = {
      ...this.#provenance,
      target,
      region,
      size: [finest.width, finest.height],
      level0PerPixel: [finest.cellPx.x, finest.cellPx.y],
      ...this.describe(),
      ...about,
      min: finest.min,
      largest: finest.max,
    };
    await writeWholeFile(`${path}.json`, `${JSON.stringify(description, null, 2)}\n`, signal);
  }

  #grid(map: Map, part: RelevancePart): NativeGridValues {
    return { data: this.select(map, part), width: map.width, height: map.height };
  }

  #checkRender({ part = 'all', colormap = 'inferno', max }: RelevanceRenderOptions) {
    return {
      part: validate.oneOf('part', part, this.parts),
      colormap: validate.oneOf('colormap', colormap, colormaps),
      max: validate.optional('max', max, validate.positive),
    };
  }
}
