import { rangeError, typeError } from '../errors.js';
import { callSync } from '../internal/call.js';
import * as validate from '../internal/validate.js';
import { type NucleiHandle, native } from '../native.js';

/** One nucleus of a {@link NucleusList}. */
export interface Nucleus {
  /** Its place in the list. */
  readonly index: number;
  /** Centre of mass: x, y. */
  readonly centroid: readonly [number, number];
  /** x0, y0, x1, y1. */
  readonly box: readonly [number, number, number, number];
  /** Square micrometres, or square pixels where no mpp is known. */
  readonly area: number;
  /** Class, 0 background; null for networks without classes. */
  readonly type: number | null;
  /** Share of the nucleus that agrees with `type`; null without classes. */
  readonly typeProbability: number | null;
  /** [k, 2] x and y in turn, without the closing point. */
  readonly contour: Float32Array;
  /** Its values of {@link NucleusList.measurements}. */
  readonly measurements: Readonly<Record<string, number>>;
}

/** Measurements by name, each [n]; NaN where a nucleus has no such value. */
export type Measurements = Readonly<Record<string, Float32Array>>;

/** A label for each pixel: 0 background. */
export type LabelMap = Int32Array & {
  /** [height, width] */
  readonly shape: readonly [number, number];
};

/** A ring: x and y in turn, or a list of pairs. */
export type Ring = Float32Array | Float64Array | readonly number[] | readonly (readonly [number, number])[];

let unwrap: (list: NucleusList) => NucleiHandle;
let wrap: (handle: NucleiHandle) => NucleusList;

/** Copies a ring into `points`, dropping a closing point that repeats the first. */
function appendRing(points: number[], ring: Ring, index: number): void {
  const start = points.length;
  for (const value of ring) {
    if (typeof value === 'number') points.push(value);
    else points.push(value[0], value[1]);
  }
  const end = points.length;
  if ((end - start) % 2 !== 0) throw rangeError(`contours[${index}]: expected x and y in turn, got an odd count`);
  const closes = end - start > 6 && points[start] === points[end - 2] && points[start + 1] === points[end - 1];
  if (closes) points.length = end - 2;
  if (points.length - start < 6) throw rangeError(`contours[${index}]: expected at least 3 points`);
}

/** Names and values in turn as a record. */
export function measurementsOf(flat: readonly (string | Float32Array)[]): Measurements {
  const columns: Record<string, Float32Array> = {};
  for (let i = 0; i < flat.length; i += 2) columns[flat[i] as string] = flat[i + 1] as Float32Array;
  return Object.freeze(columns);
}

/**
 * Nuclei as arrays, held in native memory until an array is asked for. Coordinates are (x, y) in level-0 pixels (pixels
 * of the picture or of the maps for {@link HoverFast.segment} and {@link hoverPostprocess}), pixel-edge convention: the
 * first pixel's centre is (0.5, 0.5). Results of `compat` mode hold the references' pixel-centre integers.
 *
 * @example
 * for (const { centroid, area, contour } of nuclei) console.log(centroid, area, contour.length / 2);
 */
export class NucleusList implements Iterable<Nucleus> {
  /** How many there are. */
  readonly length: number;
  readonly #handle: NucleiHandle;
  readonly #labelShape: readonly [number, number] | null;
  readonly #arrays = new Map<string, unknown>();
  #measurements: Measurements | undefined;

  static {
    unwrap = (list) => list.#handle;
    wrap = (handle) => new NucleusList(handle);
  }

  private constructor(handle: NucleiHandle) {
    const { length, height, width } = native.nucleiInfo(handle);
    this.length = length;
    this.#handle = handle;
    this.#labelShape = height > 0 ? [height, width] : null;
  }

  /**
   * A list from outlines alone; centroids, boxes and areas (in square units of the coordinates) are those of the
   * polygons.
   *
   * @param contours - rings with at least 3 points each; a repeated first point at the end is dropped
   * @param options - `types`: one class for each ring
   * @throws TypeError, RangeError; {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` when `types` has another length
   */
  static fromContours(contours: Iterable<Ring>, options?: { readonly types?: ArrayLike<number> }): NucleusList {
    if (typeof contours !== 'object' || contours === null || !(Symbol.iterator in contours)) {
      throw typeError(`contours: expected an iterable of rings, got ${validate.kindOf(contours)}`);
    }
    const { types } = validate.options('options', options);
    const points: number[] = [];
    const starts = [0];
    for (const ring of contours) {
      appendRing(points, ring, starts.length - 1);
      starts.push(points.length / 2);
    }
    const typed = types === undefined ? undefined : Uint8Array.from(types);
    return callSync(
      () => new NucleusList(native.nucleiFromOutlines(Float32Array.from(points), Uint32Array.from(starts), typed)),
    );
  }

  /**
   * Joins lists in order; labels are left behind.
   *
   * @throws {@link HistojetError} `HISTOJET_INVALID_ARGUMENT` when some lists have classes and others have none, or they
   * have different measurements
   */
  static concat(lists: Iterable<NucleusList>): NucleusList {
    const handles = Array.from(lists, (list, i) => nucleiHandle(list, `lists[${i}]`));
    return callSync(() => new NucleusList(native.nucleiConcat(handles)));
  }

  /** [n, 2] centres of mass: x, y. */
  get centroids(): Float32Array {
    return this.#array<Float32Array>('centroids');
  }

  /** [n, 4] x0, y0, x1, y1. */
  get boxes(): Float32Array {
    return this.#array<Float32Array>('boxes');
  }

  /** [n] square micrometres, or square pixels where no mpp is known. */
  get areas(): Float32Array {
    return this.#array<Float32Array>('areas');
  }

  /** [n] classes, 0 background; null for networks without classes. */
  get types(): Uint8Array | null {
    return this.#array<Uint8Array | null>('types');
  }

  /** [n] share of each nucleus that agrees with its class; null without classes. */
  get typeProbabilities(): Float32Array | null {
    return this.#array<Float32Array | null>('typeProbabilities');
  }

  /**
   * [height, width] which nucleus each pixel belongs to, where the list comes from one window: 0 background, i + 1 for
   * nucleus i (in `compat` mode the reference's own numbers, see {@link NucleusList.labelIds}). Null otherwise.
   */
  get labels(): LabelMap | null {
    const shape = this.#labelShape;
    if (shape === null) return null;
    const labels = this.#array<Int32Array>('labels');
    if (!('shape' in labels)) Object.defineProperty(labels, 'shape', { value: Object.freeze([...shape]) });
    return labels as LabelMap;
  }

  /** [n] the number of each nucleus in {@link NucleusList.labels}; null without labels. */
  get labelIds(): Int32Array | null {
    return this.#labelShape === null ? null : this.#array<Int32Array>('ids');
  }

  /**
   * Measurements by name, from runs with the option `measure`; no members otherwise. Lengths are in micrometres, in
   * pixels where no mpp is known (the names then end in `_px`), optical densities are decadic.
   *
   * `perimeter_um`, `circularity`, `major_axis_um`, `minor_axis_um`, `eccentricity`, `solidity` of the outline;
   * `hematoxylin_od_mean`, `hematoxylin_od_std`, and the same of `eosin`, or of `dab` for stain `'ihc-dab'`, over the
   * nucleus's pixels.
   */
  get measurements(): Measurements {
    this.#measurements ??= measurementsOf(native.nucleiMeasurements(this.#handle));
    return this.#measurements;
  }

  /**
   * Outline of one nucleus: [k, 2] x and y in turn, without the closing point.
   *
   * @throws RangeError when there is no such nucleus
   */
  contour(index: number): Float32Array {
    validate.integer('index', index, 0, this.length - 1);
    const starts = this.#array<Float64Array>('starts');
    return this.#array<Float32Array>('points').subarray(
      2 * (starts[index] as number),
      2 * (starts[index + 1] as number),
    );
  }

  /**
   * One nucleus.
   *
   * @throws RangeError when there is no such nucleus
   */
  at(index: number): Nucleus {
    validate.integer('index', index, 0, this.length - 1);
    const [x, y] = this.centroids.subarray(2 * index, 2 * index + 2) as unknown as [number, number];
    const [x0, y0, x1, y1] = this.boxes.subarray(4 * index, 4 * index + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    return {
      index,
      centroid: [x, y],
      box: [x0, y0, x1, y1],
      area: this.areas[index] as number,
      type: this.types?.[index] ?? null,
      typeProbability: this.typeProbabilities?.[index] ?? null,
      contour: this.contour(index),
      measurements: Object.fromEntries(
        Object.entries(this.measurements).map(([name, values]) => [name, values[index] as number]),
      ),
    };
  }

  /** The nuclei one by one. */
  *[Symbol.iterator](): IterableIterator<Nucleus> {
    for (let i = 0; i < this.length; ++i) yield this.at(i);
  }

  #array<Values>(name: string): Values {
    let values = this.#arrays.get(name);
    if (values === undefined) {
      values = native.nucleiArray(this.#handle, name);
      this.#arrays.set(name, values);
    }
    return values as Values;
  }
}

/** The native handle. @throws TypeError when `list` is something else */
export function nucleiHandle(list: NucleusList, name = 'nuclei'): NucleiHandle {
  if (!(list instanceof NucleusList)) throw typeError(`${name}: expected a NucleusList, got ${validate.kindOf(list)}`);
  return unwrap(list);
}

/** A list around a native handle. */
export function wrapNuclei(handle: NucleiHandle): NucleusList {
  return wrap(handle);
}
