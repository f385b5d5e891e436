import { hilbertOrder } from './hilbert.js';

/** Rows of a group; also the most that {@link hilbertOrder} takes. */
const mostRows = 65536;
/** Contours of thousands of points would let a full group take gigabytes. */
const mostGeometryBytes = 64 << 20;

/**
 * The columns of some nuclei as the core lays them out (native/writers/nucleus_columns.hpp).
 *
 * @typedef {object} Slice
 * @property {number} rows
 * @property {ArrayBuffer} bytes
 * @property {readonly string[]} measurements names of the measurements
 */

/**
 * @param {Slice} slice
 */
function columnsOf({ rows, bytes, measurements }) {
  const column = 4 * rows;
  const count = measurements.length;
  return {
    x: new Float32Array(bytes, 0, rows),
    y: new Float32Array(bytes, column, rows),
    probability: new Float32Array(bytes, 2 * column, rows),
    area: new Float32Array(bytes, 3 * column, rows),
    box: new Float32Array(bytes, 4 * column, 4 * rows),
    row: new Uint32Array(bytes, 8 * column, rows),
    geometryEnd: new Uint32Array(bytes, 9 * column, rows),
    id: new Uint8Array(bytes, 10 * column, 16 * rows),
    measured: measurements.map((_, m) => new Float32Array(bytes, (14 + m) * column, rows)),
    geometry: new Uint8Array(bytes, (14 + count) * column),
  };
}

/**
 * NaN stands for a value that is not there.
 *
 * @param {Float32Array} values
 */
function withNulls(values) {
  return values.some(Number.isNaN) ? Array.from(values, (value) => (Number.isNaN(value) ? null : value)) : values;
}

/** Rows that wait until they fill a row group. */
export class RowGroup {
  rows = 0;
  #geometryBytes = 0;
  #x = new Float32Array(mostRows);
  #y = new Float32Array(mostRows);
  #probability = new Float32Array(mostRows);
  #area = new Float32Array(mostRows);
  #box = new Float32Array(4 * mostRows);
  #row = new Uint32Array(mostRows);
  #id = new Uint8Array(16 * mostRows);
  /** @type {Uint8Array[]} */
  #geometry = [];
  /** @type {Map<string, Float32Array>} in the order of the file */
  #measured = new Map();

  get full() {
    return this.rows === mostRows || this.#geometryBytes >= mostGeometryBytes;
  }

  /**
   * Takes rows of a slice until the group is full. Where it ends depends on the rows alone, not on the slices.
   *
   * @param {Slice} slice
   * @param {number} first
   * @returns {number} the first row that was not taken
   */
  take(slice, first) {
    const columns = columnsOf(slice);
    const measured = slice.measurements.map((name) => this.#measurement(name));
    let i = first;
    for (; i < slice.rows && !this.full; ++i) {
      const to = this.rows++;
      this.#x[to] = /** @type {number} */ (columns.x[i]);
      this.#y[to] = /** @type {number} */ (columns.y[i]);
      this.#probability[to] = /** @type {number} */ (columns.probability[i]);
      this.#area[to] = /** @type {number} */ (columns.area[i]);
      this.#row[to] = /** @type {number} */ (columns.row[i]);
      this.#box.set(columns.box.subarray(4 * i, 4 * i + 4), 4 * to);
      this.#id.set(columns.id.subarray(16 * i, 16 * i + 16), 16 * to);
      for (const [m, values] of measured.entries()) values[to] = /** @type {number} */ (columns.measured[m]?.[i]);
      const geometry = columns.geometry.subarray(i > 0 ? columns.geometryEnd[i - 1] : 0, columns.geometryEnd[i]);
      this.#geometry.push(geometry);
      this.#geometryBytes += geometry.length;
    }
    return i;
  }

  /**
   * The box around all polygons: x0, y0, x1, y1.
   *
   * @returns {[number, number, number, number]}
   */
  bounds() {
    /** @type {[number, number, number, number]} */
    const bounds = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < 4 * this.rows; i += 4) {
      bounds[0] = Math.min(bounds[0], /** @type {number} */ (this.#box[i]));
      bounds[1] = Math.min(bounds[1], /** @type {number} */ (this.#box[i + 1]));
      bounds[2] = Math.max(bounds[2], /** @type {number} */ (this.#box[i + 2]));
      bounds[3] = Math.max(bounds[3], /** @type {number} */ (this.#box[i + 3]));
    }
    return bounds;
  }

  /**
   * Columns in Hilbert order of the centroids, as the Parquet writer takes them.
   *
   * @param {readonly string[]} classNames by row of the class table
   * @param {string} areaName
   * @returns {import('hyparquet-writer').ColumnSource[]}
   */
  columns(classNames, areaName) {
    const order = hilbertOrder(this.#x.subarray(0, this.rows), this.#y.subarray(0, this.rows));
    const list = Array.from(order);
    const pick = (/** @type {Float32Array} */ values) =>
      Float32Array.from(order, (i) => /** @type {number} */ (values[i]));
    return [
      {
        name: 'id',
        data: list.map((i) => this.#id.subarray(16 * i, 16 * i + 16)),
        encoding: 'PLAIN',
        statistics: false,
      },
      { name: 'x', data: pick(this.#x), encoding: 'PLAIN' },
      { name: 'y', data: pick(this.#y), encoding: 'PLAIN' },
      { name: 'class', data: list.map((i) => classNames[this.#row[i] ?? 0]), encoding: 'RLE_DICTIONARY' },
      { name: 'prob', data: withNulls(pick(this.#probability)), encoding: 'PLAIN' },
      { name: areaName, data: pick(this.#area), encoding: 'PLAIN' },
      ...Array.from(this.#measured, ([name, values]) => ({
        name,
        data: withNulls(pick(values)),
        encoding: /** @type {const} */ ('PLAIN'),
      })),
      { name: 'bbox', data: list.map((i) => this.#boxOf(i)), encoding: 'PLAIN' },
      { name: 'geometry', data: list.map((i) => this.#geometry[i]), encoding: 'PLAIN', statistics: false },
    ];
  }

  clear() {
    this.rows = 0;
    this.#geometryBytes = 0;
    this.#geometry = [];
  }

  /**
   * @param {string} name
   */
  #measurement(name) {
    const values = this.#measured.get(name) ?? new Float32Array(mostRows);
    this.#measured.set(name, values);
    return values;
  }

  /**
   * @param {number} i
   */
  #boxOf(i) {
    const [xmin, ymin, xmax, ymax] = this.#box.subarray(4 * i, 4 * i + 4);
    return { xmin, ymin, xmax, ymax };
  }
}
