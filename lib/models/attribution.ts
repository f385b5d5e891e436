import { HistojetError, rangeError, typeError } from '../errors.js';
import { callNative } from '../internal/call.js';
import { floatTiff } from '../internal/float-tiff.js';
import type { Image } from '../internal/image.js';
import type { NativeGridValues } from '../internal/native-heat-map.js';
import type { NativeAttribution } from '../internal/native-pixel-mamba.js';
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
  RelevanceMap,
  RelevanceOverlayOptions,
  RelevancePart,
  RelevanceRenderOptions,
  RelevanceTiffOptions,
} from './attribution-types.js';
import type { PixelMambaPrediction } from './pixel-mamba-types.js';

const parts: readonly RelevancePart[] = ['all', 'local', 'global', 'against'];

/** What an attribution is of; see the members of {@link Attribution}. */
export interface AttributionSource {
  readonly found: NativeAttribution;
  readonly prediction: PixelMambaPrediction;
  readonly target: number | null;
  /** Micrometres per level-0 pixel; null for pictures. */
  readonly mpp: { readonly x: number; readonly y: number } | null;
  readonly provenance: Readonly<Record<string, unknown>>;
}

function mapsOf({ maps, scaleX, scaleY }: NativeAttribution): readonly RelevanceMap[] {
  return Object.freeze(
    maps.map((map) => Object.freeze({ ...map, cellPx: { x: map.tokenPx * scaleX, y: map.tokenPx * scaleY } })),
  );
}

/** The numbers of a map that are asked for. */
function selected({ values, local, width, height }: RelevanceMap, part: RelevancePart): NativeGridValues {
  const data =
    part === 'all'
      ? values
      : part === 'local'
        ? local
        : values.map((value, i) => (part === 'global' ? value - (local[i] ?? 0) : -value));
  return { data, width, height };
}

/**
 * Which parts of a slide a prediction comes from: one relevance per token, from the coarsest stage down to the finest one
 * that was asked for. Made by {@link PixelMamba.attribute}.
 *
 * @example
 * const attribution = await model.attribute(slide);
 * await attribution.savePng('heat.png', slide);
 * await attribution.saveTiff('heat.tif');
 */
export class Attribution {
  /** What is explained. */
  readonly prediction: PixelMambaPrediction;
  /** Number of the output that is explained; null: the pooled vector. */
  readonly target: number | null;
  /** The coarsest stage first. */
  readonly maps: readonly RelevanceMap[];
  /**
   * What the relevances of each stage add up to: with a target its part that depends on the slide (the logit without its
   * bias; for classes, less the mean of all), else 1.
   */
  readonly total: number;
  /** The part of the slide that the maps cover, level-0 pixels; their corner is its corner. */
  readonly region: Rect;
  readonly #mpp: AttributionSource['mpp'];
  readonly #provenance: AttributionSource['provenance'];

  /** Use {@link PixelMamba.attribute}. */
  constructor({ found, prediction, target, mpp, provenance }: AttributionSource) {
    this.prediction = prediction;
    this.target = target;
    this.maps = mapsOf(found);
    this.total = found.total;
    this.region = Object.freeze(found.part);
    this.#mpp = mpp;
    this.#provenance = provenance;
  }

  /** The map with the smallest tokens. */
  get finest(): RelevanceMap {
    const map = this.maps.at(-1);
    if (map === undefined) throw new HistojetError('HISTOJET_INTERNAL', 'an attribution without maps');
    return map;
  }

  /** The map whose tokens have this side in pixels of the network's resolution. @throws RangeError naming those there are */
  mapOf(tokenPx: number): RelevanceMap {
    const map = this.maps.find((candidate) => candidate.tokenPx === tokenPx);
    const known = this.maps.map((candidate) => candidate.tokenPx).join(', ');
    if (map === undefined) throw rangeError(`tokenPx: expected one of ${known}; got ${tokenPx}`);
    return map;
  }

  /**
   * A picture of one pixel per token, transparent where there is nothing.
   *
   * @param map - default {@link Attribution.finest}
   * @returns RGBA
   * @throws TypeError, RangeError
   */
  async render(options?: RelevanceRenderOptions, map: RelevanceMap = this.finest): Promise<Image> {
    const { image } = await this.#paint(validate.options('options', options), map, 4);
    return image;
  }

  /**
   * The heat map over the slide.
   *
   * @param slide - the slide that was explained
   * @param map - default {@link Attribution.finest}
   * @returns RGB
   * @throws {@link HistojetError} what reading a slide throws; TypeError, RangeError
   */
  async overlay(slide: Slide, options?: RelevanceOverlayOptions, map: RelevanceMap = this.finest): Promise<Image> {
    if (!(slide instanceof Slide)) throw typeError(`slide: expected a Slide, got ${validate.kindOf(slide)}`);
    const given = validate.options('options', options);
    const { signal, maxSize = 2048, opacity = 0.8 } = given;
    validate.integer('maxSize', maxSize, 16, 65535);
    validate.number('opacity', opacity, 0, 1);
    const { colormap, max, part } = checkRender(given);
    const placed = await readScaled(slide, this.region, maxSize, signal === undefined ? {} : { signal });
    const look = {
      colormap,
      max,
      opacity,
      cellWidth: map.cellPx.x / placed.scale,
      cellHeight: map.cellPx.y / placed.scaleY,
    };
    const { image } = await callNative(signal, (cancel) =>
      native.heatMapOverlay(placed.image, selected(map, part), look, cancel),
    );
    return image;
  }

  /**
   * Writes the heat map as a PNG, over the slide if one is given, else one pixel per token, and `<path>.json` that says
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
    const content = slide === undefined ? 'one pixel per token' : 'over the slide';
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
   * Writes the numbers of the finest map: an OME-TIFF of 32-bit floating point with the channels `all` and `local`, NaN
   * where the network did not look, and `<path>.json`.
   *
   * @throws {@link HistojetError} `HISTOJET_IO`; TypeError
   */
  async saveValues(path: string, options?: { readonly signal?: AbortSignal }): Promise<void> {
    validate.text('path', path);
    const { signal } = validate.options('options', options);
    const { width, height, values, local } = this.finest;
    const planes = [
      { name: 'all', read: async () => values },
      { name: 'local', read: async () => local },
    ];
    const mpp = this.#mpp === null ? { x: 1, y: 1 } : this.#mppOf(this.finest);
    const about = { width, height, mpp, software: `histojet ${version}` };
    await writeWholeFile(path, floatTiff({ ...about, mpp: { x: mpp.x ?? 1, y: mpp.y ?? 1 } }, planes), signal);
    await this.#saveDescription(path, { content: 'float32', channels: planes.map(({ name }) => name) }, signal);
  }

  async #paint(options: RelevanceRenderOptions, map: RelevanceMap, channels: 1 | 3 | 4) {
    const { colormap, max, part } = checkRender(options);
    const { image, max: end } = await callNative(options.signal, (cancel) =>
      native.heatMapRender(selected(map, part), { colormap, max, channels }, cancel),
    );
    return { image, max: end };
  }

  #mppOf({ cellPx }: RelevanceMap): { readonly x: number | undefined; readonly y: number | undefined } {
    if (this.#mpp === null) return { x: undefined, y: undefined };
    return { x: this.#mpp.x * cellPx.x, y: this.#mpp.y * cellPx.y };
  }

  async #saveDescription(
    path: string,
    about: Readonly<Record<string, unknown>>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { region, target, total, finest } = this;
    const description = {
      ...this.#provenance,
      unit: 'relevance',
      target,
      total,
      region,
      size: [finest.width, finest.height],
      level0PerPixel: [finest.cellPx.x, finest.cellPx.y],
      tokenPx: finest.tokenPx,
      ...about,
      min: finest.min,
      largest: finest.max,
      localShare: this.maps.map(({ tokenPx, localShare }) => ({ tokenPx, localShare })),
    };
    await writeWholeFile(`${path}.json`, `${JSON.stringify(description, null, 2)}\n`, signal);
  }
}

function checkRender({ part = 'all', colormap = 'inferno', max }: RelevanceRenderOptions) {
  return {
    part: validate.oneOf('part', part, parts),
    colormap: validate.oneOf('colormap', colormap, colormaps),
    max: validate.optional('max', max, validate.positive),
  };
}
