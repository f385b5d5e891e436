import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type GeoJsonFeature, readGeoJson, readNuclei } from '../../../lib/index.js';
import { FeatureSplitter } from '../../../lib/nuclei/feature-splitter.js';
import { expectCode, temporaryFolder } from '../support.js';

const folder = temporaryFolder();

function feature(i: number, name = 'Nucleus'): GeoJsonFeature {
  const ring = [
    [i, 0],
    [i + 4, 0],
    [i + 4, 3],
    [i, 0],
  ];
  return {
    type: 'Feature',
    id: `nucleus "${i}" \\ [${i}}`,
    geometry: { type: 'Polygon', coordinates: [ring] },
    properties: { classification: { name }, features: [{ not: 'a feature' }] },
  };
}

async function readAll(path: string): Promise<GeoJsonFeature[]> {
  const all: GeoJsonFeature[] = [];
  for await (const one of readGeoJson(path)) all.push(one);
  return all;
}

const features = [feature(0), feature(10, 'épithélium 細胞'), feature(20)];
const documents: Record<string, string> = {
  collection: JSON.stringify({
    type: 'FeatureCollection',
    note: { features: [1] },
    list: [[1]],
    features,
    after: [{}],
  }),
  pretty: JSON.stringify({ type: 'FeatureCollection', features }, null, 2),
  'features first': JSON.stringify({ features, type: 'FeatureCollection' }),
  array: JSON.stringify(features),
  'array with a collection': JSON.stringify([features[0], { type: 'FeatureCollection', features: features.slice(1) }]),
  'one a line': features.map((one) => JSON.stringify(one)).join('\n'),
  'byte order mark': `\ufeff${JSON.stringify(features)}`,
};

test.each(Object.entries(documents))('%s, plain and packed', async (name, text) => {
  const plain = join(folder, `${name}.geojson`);
  writeFileSync(plain, text);
  expect(await readAll(plain)).toEqual(features);
  writeFileSync(`${plain}.gz`, gzipSync(text));
  expect(await readAll(`${plain}.gz`)).toEqual(features);
});

test.each(Object.values(documents))('the pieces do not matter', (text) => {
  const bytes = Buffer.from(text);
  for (const size of [1, 2, 3, 7, 64]) {
    const splitter = new FeatureSplitter('test');
    const elements: unknown[] = [];
    for (let i = 0; i < bytes.length; i += size) {
      for (const part of splitter.push(bytes.subarray(i, i + size))) elements.push(...JSON.parse(`[${part}]`));
    }
    splitter.end();
    const flat = elements.flatMap((one) => (one as { features?: unknown[]; type: string }).features ?? [one]);
    expect(flat.map((one) => (one as GeoJsonFeature).id)).toEqual(features.map(({ id }) => id));
  }
});

test('single features, bare geometries, empty documents', async () => {
  const path = join(folder, 'single.geojson');
  writeFileSync(path, JSON.stringify(features[1]));
  expect(await readAll(path)).toEqual([features[1]]);
  writeFileSync(path, JSON.stringify({ type: 'Point', coordinates: [1, 2] }));
  expect(await readAll(path)).toEqual([
    { type: 'Feature', geometry: { type: 'Point', coordinates: [1, 2] }, properties: {} },
  ]);
  writeFileSync(path, '{"type":"FeatureCollection","features":[]}');
  expect(await readAll(path)).toEqual([]);
});

test('outlines become nuclei', async () => {
  const path = join(folder, 'nuclei.geojson');
  const point = { type: 'Feature', geometry: { type: 'Point', coordinates: [1, 2] }, properties: {} };
  const ring = (features[0] as GeoJsonFeature).geometry?.coordinates;
  const multi = { type: 'Feature', geometry: { type: 'MultiPolygon', coordinates: [ring, ring] }, properties: {} };
  writeFileSync(path, JSON.stringify([...features, point, multi, { ...point, geometry: null }]));
  const nuclei = await readNuclei(path);
  expect([...nuclei.areas]).toEqual([6, 6, 6, 6, 6]);
});

test('damage is an error of its own', async () => {
  const path = join(folder, 'damaged.geojson');
  const text = JSON.stringify({ type: 'FeatureCollection', features });
  const cases: [string | Buffer, RegExp][] = [
    [text.slice(0, -20), /ends too early/],
    ['', /ends too early/],
    ['nothing here', /ends too early/],
    ['[{"type":"Feature",}]', /no valid JSON/],
    ['[1, 2]]', /bracket closes|GeoJSON features|no valid JSON/],
    ['[{"type":"Cat"}]', /expected GeoJSON features/],
    [gzipSync(text).subarray(0, 60), /gzip stream is damaged/],
  ];
  for (const [content, message] of cases) {
    writeFileSync(path, content);
    await expectCode(readAll(path), 'HISTOJET_CORRUPT_FILE', message);
  }
  await expectCode(readAll(join(folder, 'none.geojson')), 'HISTOJET_IO', /none\.geojson/);
});

test('an aborted signal ends the loop with its reason', async () => {
  const path = join(folder, 'many.geojson');
  writeFileSync(path, JSON.stringify(Array.from({ length: 5000 }, (_, i) => feature(i))));
  const controller = new AbortController();
  const reason = new Error('enough');
  const loop = (async () => {
    for await (const _ of readGeoJson(path, { signal: controller.signal })) controller.abort(reason);
  })();
  await expect(loop).rejects.toBe(reason);
});
