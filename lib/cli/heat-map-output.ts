import { basename, dirname, extname, join, resolve } from 'node:path';
import { DensityMap, type DensitySource, type NucleusClass, type NucleusList, type Rect } from '../index.js';
import { UsageError, writing } from './exit-codes.js';

/** Fine enough to see glands; a slide of 25 x 25 mm has 2.4 million cells. */
const cellUm = 16;
const smoothUm = 20;

/** A name of a class as a part of a file's name: letters and digits of any script, all else becomes `-`. */
function fileNamePart(name: string): string {
  const plain = name.replaceAll(/[^\p{L}\p{N}]+/gu, '-').replaceAll(/^-+|-+$/g, '');
  return plain.slice(0, 64) || 'class';
}

/** The files of `--heatmap`: the density of all nuclei, and with classes `NAME-class.EXT` for each that occurs. */
export class HeatMapOutput {
  readonly #path: string;
  readonly #map: DensityMap;

  private constructor(path: string, map: DensityMap) {
    this.#path = path;
    this.#map = map;
  }

  /**
   * Prepares the map; writes nothing.
   *
   * @param path - ends in `.png`, `.tif` or `.tiff`
   * @param slide - the slide, or its size and resolution
   * @param region - the part that the map shows
   * @param classes - by number; empty for networks without classes
   * @throws UsageError for another extension and for a slide without mpp
   */
  static create(path: string, slide: DensitySource, region: Rect, classes: readonly NucleusClass[]): HeatMapOutput {
    if (!/\.(png|tiff?)$/i.test(path)) {
      throw new UsageError(`--heatmap ${path}: expected a name that ends in .png, .tif or .tiff`);
    }
    if (slide.mpp === null) {
      throw new UsageError('--heatmap needs the resolution, which the slide does not say', 'pass --mpp');
    }
    return new HeatMapOutput(path, new DensityMap(slide, { cellUm, region, classes }));
  }

  /** Counts these nuclei. */
  async add(batch: NucleusList): Promise<void> {
    await this.#map.add(batch);
  }

  /** Writes the files, each with a `.json` beside it that says what its colours mean. Returns the pictures' paths. */
  async save(signal: AbortSignal): Promise<readonly string[]> {
    const { byType } = await this.#map.counts();
    const paths = [this.#path];
    await this.#saveOne(this.#path, undefined, signal);
    for (const [type, count] of byType.entries()) {
      if (count === 0) continue;
      const path = this.#pathOf(type, paths);
      await this.#saveOne(path, type, signal);
      paths.push(path);
    }
    return paths.map((path) => resolve(path));
  }

  async #saveOne(path: string, type: number | undefined, signal: AbortSignal): Promise<void> {
    const options = { smoothUm, signal, ...(type !== undefined && { type }) };
    const png = path.toLowerCase().endsWith('.png');
    await writing(() => (png ? this.#map.savePng(path, options) : this.#map.saveTiff(path, options)));
  }

  /** `a-lymphocyte.png` beside `a.png`; the class's number is added where two classes would share a file. */
  #pathOf(type: number, taken: readonly string[]): string {
    const ome = /\.ome\.tiff?$/i.exec(this.#path)?.[0];
    const extension = ome ?? extname(this.#path);
    const stem = join(dirname(this.#path), basename(this.#path, extension));
    const path = `${stem}-${fileNamePart(this.#map.classes[type]?.name ?? '')}${extension}`;
    const used = taken.some((other) => other.toLowerCase() === path.toLowerCase());
    return used ? `${stem}-${fileNamePart(this.#map.classes[type]?.name ?? '')}-${type}${extension}` : path;
  }
}
