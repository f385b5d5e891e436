import { HistojetError, rangeError, typeError } from '../errors.js';
import { callNative, callSync } from '../internal/call.js';
import { floatTiff } from '../internal/float-tiff.js';
import type { Image } from '../internal/image.js';
import type { NativeDensitySelection } from '../internal/native-heat-map.js';
import { checkRect, type Rect } from '../internal/rect.js';
import { version } from '../internal/system-info.js';
import * as validate from '../internal/validate.js';
import { writeWholeFile } from '../internal/whole-file.js';
import { type DensityHandle, native } from '../native.js';
import { type NucleusList, nucleiHandle } from '../nuclei/nucleus-list.js';
import type {
  Colormap,
  DensityMapOptions,
  DensityRenderOptions,
  DensitySource,
  DensityTiffOptions,
  DensityValues,
  DensityValuesOptions,
} from './density-types.js';
import type { NucleusClass } from './nucleus-writer.js';
import { encodePng } from './pictures.js';

/** Colour maps that {@link DensityMap.render} knows. */
export const colormaps: readonly Colormap[] = Object.freeze(native.colormaps() as Colormap[]);

/** Steps of the scale in the side file. */
const scaleSteps = 11;
const largestSigmaCells = 1000;

interface Pair {
  readonly x: number;
  readonly y: number;
}

interface Rendered {
  readonly image: { readonly data: Uint8Array; readonly width: number; readonly height: number };
  readonly max: number;
}

function checkMpp(mpp: DensitySource['mpp']): Pair {
  if (mpp === null || mpp === undefined) {
    throw new HistojetError(
      'HISTOJET_INVALID_ARGUMENT',
      'density per square millimetre needs the resolution, which this slide does not say: open it with { mpp }',
    );
  }
  if (typeof mpp === 'number') return { x: validate.positive('mpp', mpp), y: mpp };
  return { x: validate.positive('mpp.x', mpp.x), y: validate.positive('mpp.y', mpp.y) };
}

function checkClasses(classes: readonly NucleusClass[]): readonly NucleusClass[] {
  if (!Array.isArray(classes)) throw typeError(`classes: expected an array, got ${validate.kindOf(classes)}`);
  if (classes.length > 256) throw rangeError(`classes: expected at most 256, got ${classes.length}`);
  const checked = classes.map(({ name, color }, i) => ({
    name: validate.text(`classes[${i}].name`, name),
    color: validate.color(`classes[${i}].color`, color),
  }));
  return Object.freeze(checked);
}

/** The part of `region` that lies on the slide. */
function cutRegion(region: Rect | undefined, width: number, height: number): Rect {
  if (region === undefined) return { x: 0, y: 0, width, height };
  const given = checkRect('region', region);
  const x = Math.max(0, given.x);
  const y = Math.max(0, given.y);
  const right = Math.min(width, given.x + given.width);
  const bottom = Math.min(height, given.y + given.height);
  if (right <= x || bottom <= y) throw rangeError(`region: lies outside the slide of ${width} x ${height} px`);
  return { x, y, width: right - x, height: bottom - y };
}

/**
 * Counts nuclei on a grid and shows how dense they are: numbers, pictures, and files. Memory depends on the grid, not on
 * the number of nuclei: 4 bytes per cell for the total and for each class that occurs.
 *
 * @example
 * const map = new DensityMap(slide, { classes: model.info.types });
 * for await (const batch of model.segmentSlide(slide)) await map.add(batch);
 * await map.savePng('density.png');
 */
export class DensityMap {
  /** What the map covers, in level-0 pixels. */
  readonly region: Rect;
  /** Size of a cell in level-0 pixels; usually not a whole number. */
  readonly cellPx: { readonly x: number; readonly y: number };
  /** Micrometres per cell, across and down. */
  readonly mpp: { readonly x: number; readonly y: number };
  /** Cells per row. */
  readonly width: number;
  /** Rows of cells. */
  readonly height: number;
  /** Names and colours by class number; empty when only the total is counted. */
  readonly classes: readonly NucleusClass[];
  readonly #handle: DensityHandle;

  /**
   * @param source - the slide, or its size and resolution
   * @param options - cells, region and classes
   * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT`: no mpp, or more than 64 Mi cells in all; TypeError,
   * RangeError
   */
  constructor(source: DensitySource, options?: DensityMapOptions) {
    if (typeof source !== 'object' || source === null) {
      throw typeError(`source: expected a Slide or { width, height, mpp }, got ${validate.kindOf(source)}`);
    }
    const width = validate.integer('width', source.width, 1);
    const height = validate.integer('height', source.height, 1);
    const mpp = checkMpp(source.mpp);
    const { cellUm = 32, region, classes = [] } = validate.options('options', options);
    validate.positive('cellUm', cellUm);
    this.classes = checkClasses(classes);
    this.region = Object.freeze(cutRegion(region, width, height));
    const across = Math.max(1, Math.round((this.region.width * mpp.x) / cellUm));
    const down = Math.max(1, Math.round((this.region.height * mpp.y) / cellUm));
    this.cellPx = Object.freeze({ x: this.region.width / across, y: this.region.height / down });
    this.mpp = Object.freeze({ x: this.cellPx.x * mpp.x, y: this.cellPx.y * mpp.y });
    const area = { ...this.region, cellX: this.cellPx.x, cellY: this.cellPx.y, mppX: mpp.x, mppY: mpp.y };
    this.#handle = callSync(() => native.densityOpen(area, this.classes.length));
    const size = native.densitySize(this.#handle);
    this.width = size.width;
    this.height = size.height;
  }

  /**
   * Counts nuclei by their centroids. Those outside the region are left out; those of a class without a name count in
   * the total only. The order of calls does not matter.
   *
   * @throws TypeError
   */
  async add(nuclei: NucleusList, options?: { readonly signal?: AbortSignal }): Promise<void> {
    const handle = nucleiHandle(nuclei);
    const { signal } = validate.options('options', options);
    await callNative(signal, (cancel) => native.densityAdd(this.#handle, handle, cancel));
  }

  /** How many nuclei were counted: in all, and by class number. */
  async counts(): Promise<{ readonly total: number; readonly byType: readonly number[] }> {
    const [total = 0, ...byType] = await callNative(undefined, () =>
      native.densityCounts(this.#handle, this.classes.length),
    );
    return { total, byType };
  }

  /**
   * Nuclei per square millimetre, cell by cell.
   *
   * @throws TypeError, RangeError
   */
  async values(options?: DensityValuesOptions): Promise<DensityValues> {
    const given = validate.options('options', options);
    const selection = this.#selection(given.type, given.smoothUm ?? 0);
    const data = await callNative(given.signal, (cancel) => native.densityValues(this.#handle, selection, cancel));
    return { data, width: this.width, height: this.height, cellPx: this.cellPx };
  }

  /**
   * A picture of one pixel per cell, transparent where there are no nuclei.
   *
   * @returns RGBA
   * @throws TypeError, RangeError
   */
  async render(options?: DensityRenderOptions): Promise<Image> {
    const { image } = await this.#paint(validate.options('options', options), 4);
    return { ...image, channels: 4 };
  }

  /**
   * Writes {@link DensityMap.render} as a PNG, and `<path>.json` that says what it shows: resolution, place on the
   * slide, unit, and what the colours mean. Both have the suffix `.part` until they are complete.
   *
   * @throws {@link HistojetError} `HISTOJET_IO`; TypeError, RangeError
   */
  async savePng(path: string, options?: DensityRenderOptions): Promise<void> {
    validate.text('path', path);
    const given = validate.options('options', options);
    const { signal } = given;
    const { image, max } = await this.#paint(given, 4);
    const png = await encodePng({ ...image, channels: 4 }, signal === undefined ? {} : { signal });
    await writeWholeFile(path, png, signal);
    await this.#saveDescription(path, this.#aboutColors(given, max, 'colors'), given.type, signal);
  }

  /**
   * Writes a tiled TIFF with smaller levels where it is large, and `<path>.json` as {@link DensityMap.savePng} does. Its
   * resolution is recorded, and it shows exactly the map's region, so that it lies on the slide where viewers scale by
   * micrometres. A path that ends in `.ome.tif` or `.ome.tiff` makes an OME-TIFF.
   *
   * @throws {@link HistojetError} `HISTOJET_IO`; TypeError, RangeError
   */
  async saveTiff(path: string, options?: DensityTiffOptions): Promise<void> {
    validate.text('path', path);
    const given = validate.options('options', options);
    const { signal } = given;
    const content = validate.oneOf('content', given.content ?? 'colors', ['colors', 'values']);
    const compression = validate.oneOf('compression', given.compression ?? 'deflate', ['deflate', 'zstd']);
    const channels = content === 'colors' ? 3 : 1;
    const { image, max } = await this.#paint(given, channels);
    const pixels = { data: image.data, width: image.width, height: image.height, channels };
    const tiff = {
      tileSize: 256,
      compression,
      quality: 100,
      subsampling: 1,
      mpp: this.mpp.x,
      mppY: this.mpp.y,
      pyramid: true,
      ome: /\.ome\.tiff?$/i.test(path),
    } as const;
    await callNative(signal, (cancel) => native.createSlide(path, pixels, tiff, undefined, cancel));
    await this.#saveDescription(path, this.#aboutColors(given, max, content), given.type, signal);
  }

  /**
   * Writes the numbers themselves: an OME-TIFF of 32-bit floating point, nuclei per square millimetre, with one channel
   * for the total and one for each class, and `<path>.json`. Not compressed and without smaller levels.
   *
   * @throws {@link HistojetError} `HISTOJET_IO`; TypeError, RangeError
   */
  async saveValues(path: string, options?: Omit<DensityValuesOptions, 'type'>): Promise<void> {
    validate.text('path', path);
    const { smoothUm = 0, signal } = validate.options('options', options);
    this.#selection(undefined, smoothUm);
    const given = { smoothUm, ...(signal !== undefined && { signal }) };
    const planes = ['all', ...this.classes.map(({ name }) => name)].map((name, i) => ({
      name,
      read: async () => (await this.values(i === 0 ? given : { ...given, type: i - 1 })).data,
    }));
    const { width, height, mpp } = this;
    await writeWholeFile(path, floatTiff({ width, height, mpp, software: `histojet ${version}` }, planes), signal);
    const about = { smoothUm, content: 'float32', channels: planes.map(({ name }) => name) };
    await this.#saveDescription(path, about, undefined, signal);
  }

  #selection(type: number | undefined, smoothUm: number): NativeDensitySelection {
    validate.number('smoothUm', smoothUm, 0, largestSigmaCells * Math.min(this.mpp.x, this.mpp.y));
    if (type !== undefined && this.classes.length === 0) throw rangeError('type: this map was made without classes');
    return {
      type: validate.optional('type', type, validate.integer, 0, this.classes.length - 1),
      sigmaX: smoothUm / this.mpp.x,
      sigmaY: smoothUm / this.mpp.y,
    };
  }

  #smoothUm(options: DensityRenderOptions): number {
    return options.smoothUm ?? Math.min(this.mpp.x, this.mpp.y);
  }

  async #paint(options: DensityRenderOptions, channels: 1 | 3 | 4): Promise<Rendered> {
    const { type, colormap = 'viridis', max, signal } = options;
    const checked = {
      ...this.#selection(type, this.#smoothUm(options)),
      colormap: validate.oneOf('colormap', colormap, colormaps),
      max: validate.optional('max', max, validate.positive),
      channels,
    };
    return callNative(signal, (cancel) => native.densityRender(this.#handle, checked, cancel));
  }

  #aboutColors(options: DensityRenderOptions, max: number, content: 'colors' | 'values'): Record<string, unknown> {
    const colormap = content === 'values' ? 'gray' : (options.colormap ?? 'viridis');
    return { smoothUm: this.#smoothUm(options), content, min: 0, max, colormap, scale: scaleOf(colormap, max) };
  }

  /** Writes what every file says about itself, and what is particular to this one. */
  async #saveDescription(
    path: string,
    about: Readonly<Record<string, unknown>>,
    type: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { total, byType } = await this.counts();
    const description = {
      software: 'histojet',
      version,
      unit: 'nuclei per square millimetre',
      size: [this.width, this.height],
      mpp: [this.mpp.x, this.mpp.y],
      origin: [this.region.x, this.region.y],
      level0PerPixel: [this.cellPx.x, this.cellPx.y],
      ...about,
      class: type ?? null,
      nuclei: type === undefined ? total : (byType[type] ?? 0),
      classes: this.classes.map(({ name, color }, id) => ({ id, name, color, nuclei: byType[id] ?? 0 })),
    };
    await writeWholeFile(`${path}.json`, `${JSON.stringify(description, null, 2)}\n`, signal);
  }
}

/** Values from 0 to `max` with their colours. */
function scaleOf(colormap: Colormap, max: number): readonly { readonly value: number; readonly color: number[] }[] {
  const colors = native.colormapColors(colormap, scaleSteps);
  return Array.from({ length: scaleSteps }, (_, i) => ({
    value: Number(((max * i) / (scaleSteps - 1)).toPrecision(6)),
    color: [...colors.subarray(3 * i, 3 * i + 3)],
  }));
}
