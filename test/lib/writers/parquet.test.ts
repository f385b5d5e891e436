import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { gunzipSync } from 'node:zlib';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { beforeAll, expect, test } from 'vitest';
import { createWriter, NucleusList, Slide, writerFormats } from '../../../lib/index.js';
import { hilbertIndex, hilbertOrder } from '../../../lib/writers/parquet/hilbert.js';
import { expectCode, expectSameBytes, smallSlide, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
let slide: Slide;

beforeAll(async () => {
  slide = await Slide.open((await smallSlide(folder)).path);
});

interface Row {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly class: string;
  readonly prob: number | null;
  readonly area_um2: number;
  readonly bbox: { readonly xmin: number; readonly ymin: number; readonly xmax: number; readonly ymax: number };
  readonly geometry: Uint8Array;
}

async function rowsOf(path: string): Promise<Row[]> {
  const file = await asyncBufferFromFile(path);
  return (await parquetReadObjects({ file, utf8: false, geoparquet: false })) as unknown as Row[];
}

async function metadataOf(path: string) {
  const metadata = await parquetMetadataAsync(await asyncBufferFromFile(path));
  const texts = Object.fromEntries((metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? '']));
  return { metadata, texts };
}

/** The closed ring of a little-endian polygon without holes. */
function ringOf(wkb: Uint8Array): [number, number][] {
  const view = new DataView(wkb.buffer, wkb.byteOffset, wkb.byteLength);
  expect([view.getUint8(0), view.getUint32(1, true), view.getUint32(5, true)]).toEqual([1, 3, 1]);
  const count = view.getUint32(9, true);
  expect(wkb.byteLength).toBe(13 + 16 * count);
  return Array.from({ length: count }, (_, i) => [
    view.getFloat64(13 + 16 * i, true),
    view.getFloat64(21 + 16 * i, true),
  ]);
}

/** Quadrangles of 10 px, scattered. */
function scattered(count: number, first = 0, types?: number[]): NucleusList {
  const rings = Array.from({ length: count }, (_, k) => {
    const i = first + k;
    const x = (i * 7919) % 50_000;
    const y = (i * 104_729) % 40_000;
    return [x, y, x + 10.25, y, x + 10, y + 10, x, y + 9.5];
  });
  return NucleusList.fromContours(rings, types && { types });
}

async function write(path: string, batches: readonly NucleusList[], options = {}): Promise<void> {
  await using writer = await createWriter(path, options);
  for (const batch of batches) await writer.write(batch);
  await writer.close();
}

test('all columns hold what GeoJSON holds, in Hilbert order', async () => {
  const classes = [
    { name: 'none', color: [0, 0, 0] },
    { name: 'Tumör', color: [200, 0, 1] },
  ] as const;
  const nuclei = scattered(
    300,
    0,
    Array.from({ length: 300 }, (_, i) => i % 4),
  );
  const path = join(folder, 'all.parquet');
  await write(path, [nuclei], { slide, classes, config: { tile: 7 } });
  expect(existsSync(`${path}.part`)).toBe(false);
  await write(join(folder, 'all.geojson.gz'), [nuclei], { slide, classes, origin: 'level0' });
  const document = JSON.parse(gunzipSync(readFileSync(join(folder, 'all.geojson.gz'))).toString());
  const byId = new Map<string, { ring: [number, number][]; name: string }>(
    document.features.map((one: { id: string; geometry: { coordinates: [] }; properties: never }) => [
      one.id,
      {
        ring: one.geometry.coordinates[0],
        name: (one.properties as { classification: { name: string } }).classification.name,
      },
    ]),
  );
  const rows = await rowsOf(path);
  expect(rows.length).toBe(300);
  for (const row of rows) {
    const same = byId.get(row.id);
    expect(same).toBeDefined();
    expect(ringOf(row.geometry)).toEqual(same?.ring);
    expect(row.class).toBe(same?.name);
    expect(row.prob ?? null).toBeNull();
    const xs = ringOf(row.geometry).map(([x]) => x);
    const ys = ringOf(row.geometry).map(([, y]) => y);
    expect(row.bbox).toEqual({
      xmin: Math.min(...xs),
      ymin: Math.min(...ys),
      xmax: Math.max(...xs),
      ymax: Math.max(...ys),
    });
  }
  const places = hilbertOrder(
    Float32Array.from(rows, ({ x }) => x),
    Float32Array.from(rows, ({ y }) => y),
  );
  expect([...places]).toEqual(rows.map((_, i) => i));
  const centroids = [...rows].map(({ x, y }) => `${x} ${y}`).sort();
  expect(centroids).toEqual(Array.from(nuclei, ({ centroid: [x, y] }) => `${x} ${y}`).sort());
  expect(new Set(rows.map((row) => row.class))).toEqual(new Set(['none', 'Tumör', 'Class 2', 'Class 3']));
});

test('metadata is what GeoParquet 1.1 wants, and names real columns', async () => {
  const path = join(folder, 'meta.parquet');
  await write(path, [scattered(50)], { slide, config: { tile: 7 } });
  const { metadata, texts } = await metadataOf(path);
  const geo = JSON.parse(texts.geo as string);
  expect(geo).toMatchObject({ version: '1.1.0', primary_column: 'geometry' });
  const { geometry } = geo.columns;
  expect(geometry).toMatchObject({ encoding: 'WKB', geometry_types: ['Polygon'], crs: null });
  const rows = await rowsOf(path);
  expect(geometry.bbox).toEqual([
    Math.min(...rows.map(({ bbox }) => bbox.xmin)),
    Math.min(...rows.map(({ bbox }) => bbox.ymin)),
    Math.max(...rows.map(({ bbox }) => bbox.xmax)),
    Math.max(...rows.map(({ bbox }) => bbox.ymax)),
  ]);
  const columns = metadata.row_groups[0]?.columns.map(({ meta_data }) => meta_data?.path_in_schema.join('.'));
  for (const place of Object.values(geometry.covering.bbox) as string[][]) expect(columns).toContain(place.join('.'));
  expect(columns).toEqual([
    'id',
    'x',
    'y',
    'class',
    'prob',
    'area_um2',
    'bbox.xmin',
    'bbox.ymin',
    'bbox.xmax',
    'bbox.ymax',
    'geometry',
  ]);
  const x = metadata.row_groups[0]?.columns[1]?.meta_data;
  expect(x?.statistics?.min_value).toBe(Math.min(...rows.map((row) => row.x)));
  expect(x?.codec).toBe('SNAPPY');
  expect(JSON.parse(texts.provenance as string)).toMatchObject({
    software: 'histojet',
    origin: 'level0',
    offset: [0, 0],
    config: { tile: 7 },
    slide: { fingerprint: await slide.fingerprint() },
  });
  expect(JSON.parse(texts.classes as string)).toEqual([{ id: 0, name: 'Nucleus', color: [0, 230, 118] }]);
  expect(metadata.created_by).toMatch(/^histojet \d/);
});

test('row groups are full whatever the batches; equal runs give equal bytes', async () => {
  const one = join(folder, 'one.parquet');
  const two = join(folder, 'two.parquet');
  await write(one, [scattered(70_000)]);
  const parts: NucleusList[] = [];
  for (let first = 0; first < 70_000; first += 9000) parts.push(scattered(Math.min(9000, 70_000 - first), first));
  await write(two, parts);
  expectSameBytes(readFileSync(one), readFileSync(two));
  const { metadata } = await metadataOf(one);
  expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([65_536, 4464]);
  expect(metadata.schema.some(({ name }) => name === 'area_px2')).toBe(true);
  expect(new Set((await rowsOf(one)).map(({ id }) => id)).size).toBe(70_000);
});

test('overlapping writes keep their order, nothing is left in the way of the event loop', async () => {
  const path = join(folder, 'loop.parquet');
  const batches = Array.from({ length: 6 }, (_, i) => scattered(15_000, 15_000 * i));
  const writer = await createWriter(path);
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  await Promise.all(batches.map((batch) => writer.write(batch)));
  expect(writer.count).toBe(90_000);
  await writer.close();
  delays.disable();
  await writer.close();
  expect(delays.percentile(50) / 1e6).toBeLessThan(10);
  const { metadata } = await metadataOf(path);
  expect(Number(metadata.num_rows)).toBe(90_000);
  await expectCode(writer.write(scattered(1)), 'HISTOJET_DISPOSED', /the writer is closed/);
});

test('files without nuclei, and abandoned ones, can be read', async () => {
  const empty = join(folder, 'empty.parquet');
  await write(empty, []);
  expect(await rowsOf(empty)).toEqual([]);
  const path = join(folder, 'abandoned.parquet');
  const writer = await createWriter(path);
  await writer.write(scattered(40));
  await writer.abandon();
  await writer.abandon();
  await writer.close();
  expect(existsSync(path)).toBe(false);
  expect((await rowsOf(`${path}.part`)).length).toBe(40);
});

test('system failures say what happened, where, and why', async () => {
  expect(writerFormats).toContain('parquet');
  const missing = createWriter(join(folder, 'no', 'where.parquet'));
  await expectCode(missing, 'HISTOJET_IO', /where\.parquet.*No such file.*check the path/);
  mkdirSync(join(folder, 'folder.parquet'));
  await expectCode(createWriter(join(folder, 'folder.parquet')), 'HISTOJET_IO', /directory/);
  await expectCode(createWriter(join(folder, 'a.xyz')), 'HISTOJET_INVALID_ARGUMENT', /parquet \(\.parquet\)/);
});

test.runIf(existsSync('/dev/full'))('a full disk is an error that stays', async () => {
  const { symlinkSync } = await import('node:fs');
  const path = join(folder, 'full.parquet');
  symlinkSync('/dev/full', `${path}.part`);
  const writer = await createWriter(path);
  await expectCode(writer.write(scattered(70_000)), 'HISTOJET_IO', /ENOSPC.*free some space/);
  await expectCode(writer.write(scattered(1)), 'HISTOJET_IO', /ENOSPC/);
  await expectCode(writer.close(), 'HISTOJET_IO', /ENOSPC/);
  expect(existsSync(path)).toBe(false);
});

test('an aborted signal stops the opening', async () => {
  const path = join(folder, 'aborted.parquet');
  const reason = new Error('enough');
  await expect(createWriter(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(existsSync(`${path}.part`)).toBe(false);
  const controller = new AbortController();
  const opening = createWriter(path, { signal: controller.signal });
  controller.abort(reason);
  await expect(opening).rejects.toBe(reason);
  const later = new AbortController();
  const writer = await createWriter(path, { signal: later.signal });
  later.abort();
  await writer.write(scattered(3));
  await writer.close();
  expect((await rowsOf(path)).length).toBe(3);
});

test('a file of that name is replaced only when the new one is whole', async () => {
  const path = join(folder, 'old.parquet');
  writeFileSync(path, 'old');
  const writer = await createWriter(path, { format: 'parquet' });
  await writer.write(scattered(5));
  expect(readFileSync(path, 'utf8')).toBe('old');
  await writer.close();
  expect((await rowsOf(path)).length).toBe(5);
});

test('the Hilbert curve visits neighbours one after the other', () => {
  const side = 16;
  const cells = Array.from({ length: side * side }, (_, i) => ({ x: i % side, y: Math.floor(i / side) }));
  const path = cells
    .map((cell) => ({ ...cell, index: hilbertIndex(cell.x, cell.y) }))
    .sort((a, b) => a.index - b.index);
  expect(path.map(({ index }) => index)).toEqual(cells.map((_, i) => i));
  for (let i = 1; i < path.length; ++i) {
    const [a, b] = [path[i - 1], path[i]] as const;
    expect(Math.abs((a?.x ?? 0) - (b?.x ?? 0)) + Math.abs((a?.y ?? 0) - (b?.y ?? 0))).toBe(1);
  }
  expect([...hilbertOrder(new Float32Array(3).fill(5), new Float32Array(3).fill(7))]).toEqual([0, 1, 2]);
});
