import { closeSync, fsyncSync, openSync, renameSync, statSync } from 'node:fs';
import { ParquetWriter } from 'hyparquet-writer';
import { FileWriter } from './file-writer.js';
import { RowGroup } from './row-group.js';

/**
 * What {@link ParquetFile} needs to know.
 *
 * @typedef {object} FileOptions
 * @property {string} path final name
 * @property {string} areaName name of the column of areas, which tells their unit
 * @property {string} provenance one JSON object
 * @property {string} classes table of classes as JSON
 * @property {string} createdBy program and version
 */

/**
 * Columns in the order of the file. `geometry` and `bbox` are what GeoParquet 1.1 wants.
 *
 * @param {string} areaName
 * @param {readonly string[]} measurements
 * @returns {import('hyparquet').SchemaElement[]}
 */
function schema(areaName, measurements) {
  /** @type {(name: string) => import('hyparquet').SchemaElement} */
  const float = (name) => ({ name, type: 'FLOAT', repetition_type: 'REQUIRED' });
  return [
    { name: 'root', num_children: 8 + measurements.length },
    {
      name: 'id',
      type: 'FIXED_LEN_BYTE_ARRAY',
      type_length: 16,
      repetition_type: 'REQUIRED',
      logical_type: { type: 'UUID' },
    },
    float('x'),
    float('y'),
    { name: 'class', type: 'BYTE_ARRAY', repetition_type: 'REQUIRED', converted_type: 'UTF8' },
    { name: 'prob', type: 'FLOAT', repetition_type: 'OPTIONAL' },
    float(areaName),
    ...measurements.map((name) => ({ ...float(name), repetition_type: /** @type {const} */ ('OPTIONAL') })),
    { name: 'bbox', num_children: 4, repetition_type: 'REQUIRED' },
    float('xmin'),
    float('ymin'),
    float('xmax'),
    float('ymax'),
    { name: 'geometry', type: 'BYTE_ARRAY', repetition_type: 'REQUIRED' },
  ];
}

/**
 * The key `geo` of GeoParquet 1.1. Without a reference system: the coordinates are pixels.
 *
 * @param {readonly number[] | undefined} bounds
 */
function geoMetadata(bounds) {
  const geometry = {
    encoding: 'WKB',
    geometry_types: ['Polygon'],
    crs: null,
    orientation: 'counterclockwise',
    edges: 'planar',
    ...(bounds && { bbox: bounds }),
    covering: {
      bbox: { xmin: ['bbox', 'xmin'], ymin: ['bbox', 'ymin'], xmax: ['bbox', 'xmax'], ymax: ['bbox', 'ymax'] },
    },
  };
  return JSON.stringify({ version: '1.1.0', primary_column: 'geometry', columns: { geometry } });
}

/** A Parquet file of nuclei that is called `<path>.part` until it is finished. Its calls block: it lives in a Worker. */
export class ParquetFile {
  #options;
  #file;
  #writer;
  #parquet;
  #group = new RowGroup();
  #classes;
  /** @type {[number, number, number, number] | undefined} */
  #bounds;
  #broken = false;
  /** The first rows tell which measurements the file has. */
  #decided = false;

  /**
   * @param {FileOptions} options
   */
  constructor(options) {
    this.#options = options;
    this.#classes = options.classes;
    if (statSync(options.path, { throwIfNoEntry: false })?.isDirectory()) {
      throw Object.assign(new Error(`EISDIR: is a directory, open '${options.path}'`), { code: 'EISDIR' });
    }
    this.#file = openSync(`${options.path}.part`, 'w');
    this.#writer = new FileWriter(this.#file);
    this.#parquet = this.#start([]);
  }

  /**
   * @param {import('./row-group.js').Slice & { classes: string }} slice
   */
  append(slice) {
    this.#classes = slice.classes;
    if (!this.#decided && slice.measurements.length > 0) {
      this.#writer.rewind(0);
      this.#parquet = this.#start(slice.measurements);
    }
    this.#decided = true;
    for (let row = 0; row < slice.rows; ) {
      row = this.#group.take(slice, row);
      if (this.#group.full) this.#writeGroup();
    }
  }

  /** Completes the file and gives it its name. */
  finish() {
    this.#writeGroup();
    this.#writeFooter();
    fsyncSync(this.#file);
    this.#close();
    renameSync(`${this.#options.path}.part`, this.#options.path);
  }

  /** Leaves a readable `.part` with all rows, or after a failure with those of the groups that were written. */
  abandon() {
    if (this.#file < 0) return;
    try {
      if (!this.#broken) this.#writeGroup();
    } finally {
      try {
        this.#writeFooter();
      } finally {
        this.#close();
      }
    }
  }

  /**
   * @param {readonly string[]} measurements
   */
  #start(measurements) {
    const { areaName, createdBy } = this.#options;
    return new ParquetWriter({ writer: this.#writer, schema: schema(areaName, measurements), createdBy });
  }

  #writeGroup() {
    const group = this.#group;
    if (group.rows === 0) return;
    const parquet = this.#parquet;
    const before = {
      offset: this.#writer.offset,
      rows: parquet.num_rows,
      groups: parquet.row_groups.length,
      indexes: parquet.pendingIndexes.length,
    };
    try {
      /** @type {{ name: string }[]} */
      const classes = JSON.parse(this.#classes);
      const names = classes.map(({ name }) => name);
      parquet.write({ columnData: group.columns(names, this.#options.areaName), rowGroupSize: group.rows });
    } catch (error) {
      // Half a group would make the whole file unreadable.
      this.#broken = true;
      parquet.num_rows = before.rows;
      parquet.row_groups.length = before.groups;
      parquet.pendingIndexes.length = before.indexes;
      this.#writer.rewind(before.offset);
      throw error;
    }
    const [left, top, right, bottom] = group.bounds();
    const [x0, y0, x1, y1] = this.#bounds ?? [left, top, right, bottom];
    this.#bounds = [Math.min(x0, left), Math.min(y0, top), Math.max(x1, right), Math.max(y1, bottom)];
    group.clear();
  }

  #writeFooter() {
    this.#parquet.kvMetadata = [
      { key: 'geo', value: geoMetadata(this.#bounds) },
      { key: 'provenance', value: this.#options.provenance },
      { key: 'classes', value: this.#classes },
    ];
    const { offset } = this.#writer;
    try {
      this.#parquet.finish();
    } catch (error) {
      this.#broken = true;
      this.#writer.rewind(offset);
      throw error;
    }
  }

  #close() {
    const file = this.#file;
    this.#file = -1;
    closeSync(file);
  }
}
