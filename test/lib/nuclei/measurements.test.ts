import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  createWriter,
  encodeGeoJson,
  HoverFast,
  type Image,
  measureShapes,
  NucleusList,
  type SegmentSlideOptions,
  Slide,
} from '../../../lib/index.js';
import { expectCode, smallSlide, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
const heNames = [
  'perimeter_um',
  'circularity',
  'major_axis_um',
  'minor_axis_um',
  'eccentricity',
  'solidity',
  'hematoxylin_od_mean',
  'hematoxylin_od_std',
  'eosin_od_mean',
  'eosin_od_std',
];
let model: HoverFast;
let slide: Slide;
let picture: Image;
let nuclei: NucleusList;

async function runOf(options: SegmentSlideOptions): Promise<NucleusList> {
  const lists: NucleusList[] = [];
  for await (const list of model.segmentSlide(slide, { tissue: false, ...options })) lists.push(list);
  return NucleusList.concat(lists);
}

beforeAll(async () => {
  model = await HoverFast.load();
  slide = await Slide.open((await smallSlide(folder)).path);
  picture = await slide.readRegion({ x: 300, y: 20, width: 203, height: 150 });
  nuclei = await runOf({ measure: true });
});

describe('measureShapes', () => {
  const list = NucleusList.fromContours([
    [0, 0, 8, 0, 8, 4, 0, 4],
    [0, 0, 10, 0, 10, 4, 4, 4, 4, 12, 0, 12],
  ]);

  test('in pixels and in micrometres', () => {
    const shapes = measureShapes(list);
    expect(Object.keys(shapes)).toEqual(heNames.slice(0, 6).map((name) => name.replace('_um', '_px')));
    expect(shapes.perimeter_px).toEqual(Float32Array.of(24, 44));
    expect(shapes.major_axis_px?.[0]).toBeCloseTo(16 / Math.sqrt(3), 5);
    expect(shapes.circularity?.[0]).toBeCloseTo((4 * Math.PI * 32) / 24 ** 2, 5);
    expect(shapes.solidity).toEqual(Float32Array.of(1, 0.75));
    expect(measureShapes(list, { mpp: 0.25 }).perimeter_um).toEqual(Float32Array.of(6, 11));
    // Half as wide: a square.
    const square = measureShapes(list, { mpp: { x: 0.5, y: 1 } });
    expect(square.perimeter_um?.[0]).toBe(16);
    expect(square.eccentricity?.[0]).toBeCloseTo(0, 5);
  });

  test('refuses what is no list or no resolution', () => {
    expect(() => measureShapes([] as never)).toThrow(/^nuclei: expected a NucleusList/);
    for (const mpp of [0, -1, Number.NaN, { x: 1, y: 0 }]) expect(() => measureShapes(list, { mpp })).toThrow(/^mpp: /);
  });

  test('lists from outlines carry no measurements', () => {
    expect(list.measurements).toEqual({});
    expect(list.at(0).measurements).toEqual({});
  });
});

describe('measure', () => {
  test('slides', async () => {
    expect(nuclei.length).toBeGreaterThan(3);
    expect(Object.keys(nuclei.measurements)).toEqual(heNames);
    expect(nuclei.measurements).toBe(nuclei.measurements); // made once
    for (const values of Object.values(nuclei.measurements)) {
      expect(values.length).toBe(nuclei.length);
      expect(values.every(Number.isFinite)).toBe(true);
    }
    expect(nuclei.at(2).measurements.perimeter_um).toBe(nuclei.measurements.perimeter_um?.[2]);
    const { x, y } = slide.mpp ?? { x: 0, y: 0 };
    const again = measureShapes(nuclei, { mpp: { x, y } });
    for (const name of heNames.slice(0, 6)) {
      again[name]?.forEach((value, i) => {
        expect(value).toBeCloseTo(nuclei.measurements[name]?.[i] as number, 4);
      });
    }
    const plain = await runOf({});
    expect(plain.measurements).toEqual({});
    expect(plain.centroids).toEqual(nuclei.centroids);
    expect(() => NucleusList.concat([plain, nuclei])).toThrow(/different measurements/);
    expect(NucleusList.concat([nuclei, nuclei]).measurements.solidity?.length).toBe(2 * nuclei.length);
  });

  test('pictures', async () => {
    const metric = await model.segment(picture, { mpp: 0.25, measure: true });
    expect(Object.keys(metric.measurements)).toEqual(heNames);
    const bare = await model.segment(picture, { measure: true, stain: 'ihc-dab' });
    expect(Object.keys(bare.measurements)).toContain('perimeter_px');
    expect(Object.keys(bare.measurements).slice(-2)).toEqual(['dab_od_mean', 'dab_od_std']);
    expect((await model.segment(picture, { mpp: 0.25 })).measurements).toEqual({});
    await expect(model.segment(picture, { measure: 1 as never })).rejects.toThrow(/^measure: /);
    // Lengths are the picture's, whatever the network's resolution is.
    const large = await model.segment(picture, { mpp: 0.5, measure: true });
    if (large.length > 0) {
      const shapes = measureShapes(large, { mpp: 0.5 });
      large.measurements.perimeter_um?.forEach((value, i) => {
        expect(value / (shapes.perimeter_um?.[i] as number)).toBeCloseTo(1, 4);
      });
    }
  });
});

describe('writers', () => {
  test('GeoJSON under the names of QuPath', async () => {
    const { features } = JSON.parse(Buffer.from(await encodeGeoJson(nuclei, { slide })).toString('utf8'));
    const { measurements } = features[0].properties;
    expect(Object.keys(measurements)).toEqual([
      'Nucleus: Area µm^2',
      'Nucleus: Perimeter µm',
      'Nucleus: Circularity',
      'Nucleus: Major axis µm',
      'Nucleus: Minor axis µm',
      'Nucleus: Eccentricity',
      'Nucleus: Solidity',
      'Nucleus: Hematoxylin OD mean',
      'Nucleus: Hematoxylin OD std dev',
      'Nucleus: Eosin OD mean',
      'Nucleus: Eosin OD std dev',
    ]);
    expect(measurements['Nucleus: Eosin OD mean']).toBeCloseTo(nuclei.measurements.eosin_od_mean?.[0] as number, 4);
  });

  test('Parquet has a float column for each', async () => {
    const path = join(folder, 'measured.parquet');
    await using writer = await createWriter(path, { slide });
    await writer.write(NucleusList.fromContours([]));
    await writer.write(nuclei);
    await writer.write(nuclei);
    await expectCode(writer.write(await runOf({})), 'HISTOJET_INVALID_ARGUMENT', /same measurements/);
  });

  test('Parquet rows are those of the list', async () => {
    const path = join(folder, 'rows.parquet');
    await using writer = await createWriter(path, { slide });
    await writer.write(nuclei);
    await writer.close();
    const file = await asyncBufferFromFile(path);
    const rows = (await parquetReadObjects({ file, utf8: false, geoparquet: false })) as unknown as Record<
      string,
      number
    >[];
    expect(rows.length).toBe(nuclei.length);
    expect(Object.keys(rows[0] as object)).toEqual([
      'id',
      'x',
      'y',
      'class',
      'prob',
      'area_um2',
      ...heNames,
      'bbox',
      'geometry',
    ]);
    const byPlace = new Map(rows.map((row) => [`${row.x} ${row.y}`, row]));
    for (const { centroid, measurements } of nuclei) {
      const row = byPlace.get(centroid.join(' '));
      expect(Object.fromEntries(heNames.map((name) => [name, row?.[name]]))).toEqual(measurements);
    }
  });

  test('an abandoned Parquet file without rows is whole', async () => {
    const path = join(folder, 'empty.parquet');
    const writer = await createWriter(path, { slide });
    await writer.close();
    expect((await readFile(path)).subarray(0, 4).toString()).toBe('PAR1');
    expect(await parquetReadObjects({ file: await asyncBufferFromFile(path) })).toEqual([]);
  });
});
