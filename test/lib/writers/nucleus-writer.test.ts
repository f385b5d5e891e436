import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import {
  createWriter,
  encodeGeoJson,
  encodePng,
  NucleusList,
  readGeoJson,
  readNuclei,
  renderOverlay,
  Slide,
  writerFormats,
} from '../../../lib/index.js';
import { expectArgumentError, expectCode, expectSameBytes, pattern, smallSlide, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
let slide: Slide;

beforeAll(async () => {
  slide = await Slide.open((await smallSlide(folder)).path);
});

/** Squares of 10 px in a row. */
function squares(count: number, y = 0): NucleusList {
  return NucleusList.fromContours(
    Array.from({ length: count }, (_, i) => [20 * i, y, 20 * i + 10, y, 20 * i + 10, y + 10, 20 * i, y + 10]),
  );
}

test('streams batches, the .part is complete after each', async () => {
  const path = join(folder, 'a.geojson');
  const writer = await createWriter(path, { slide, config: { tile: 1024 } });
  await writer.write(squares(3));
  expect(existsSync(path)).toBe(false);
  expect(JSON.parse(readFileSync(`${path}.part`, 'utf8')).features.length).toBe(3);
  await Promise.all([writer.write(squares(2, 50)), writer.write(squares(1, 100))]);
  expect(writer.count).toBe(6);
  await writer.close();
  await writer.close();
  expect(existsSync(`${path}.part`)).toBe(false);
  const document = JSON.parse(readFileSync(path, 'utf8'));
  const corners = document.features.map((one: { geometry: { coordinates: number[][][] } }) =>
    Math.min(...(one.geometry.coordinates[0] ?? []).map((point) => point[1] ?? 0)),
  );
  expect(corners).toEqual([0, 0, 0, 50, 50, 100]);
  expect(document.histojet).toMatchObject({
    software: 'histojet',
    slide: { file: 'slide.tif', fingerprint: await slide.fingerprint(), size: [1040, 330] },
    config: { tile: 1024 },
  });
  await expectCode(writer.write(squares(1)), 'HISTOJET_DISPOSED', /the writer is closed/);
});

test('equal runs give equal bytes; packed and plain hold the same', async () => {
  const bytes: Buffer[] = [];
  for (const name of ['one.geojson.gz', 'two.geojson.gz']) {
    const path = join(folder, name);
    await using writer = await createWriter(path, { slide });
    await writer.write(squares(500));
    await writer.close();
    bytes.push(readFileSync(path));
  }
  expectSameBytes(bytes[0] as Buffer, bytes[1] as Buffer);
  const plain = await encodeGeoJson(squares(500), { slide });
  expect(JSON.parse(gunzipSync(bytes[0] as Buffer).toString()).features).toEqual(
    JSON.parse(Buffer.from(plain).toString()).features,
  );
});

test('what is written is read back', async () => {
  const path = join(folder, 'back.geojson.gz');
  const written = squares(40);
  await using writer = await createWriter(path);
  await writer.write(written);
  await writer.close();
  const read = await readNuclei(path);
  expect(read.areas).toEqual(written.areas);
  expect(read.centroids).toEqual(written.centroids);
  for await (const feature of readGeoJson(path)) expect(feature.properties.objectType).toBe('detection');
});

test("HoVer-Net's JSON and class names", async () => {
  const path = join(folder, 'nuclei.json');
  await using writer = await createWriter(path, { slide });
  await writer.write(squares(2));
  await writer.close();
  expect(Object.keys(JSON.parse(readFileSync(path, 'utf8')).nuc).length).toBe(2);
  const classes = [
    { name: 'none', color: [0, 0, 0] },
    { name: 'Tumor', color: [200, 0, 0] },
  ] as const;
  const typed = NucleusList.fromContours([[0, 0, 9, 0, 9, 9]], { types: [1] });
  const text = Buffer.from(await encodeGeoJson(typed, { classes })).toString();
  expect(JSON.parse(text).features[0].properties.classification).toEqual({ name: 'Tumor', color: [200, 0, 0] });
});

test('abandoning leaves the readable part', async () => {
  const path = join(folder, 'abandoned.geojson');
  const writer = await createWriter(path);
  await writer.write(squares(4));
  await writer.abandon();
  await writer.close();
  expect(existsSync(path)).toBe(false);
  expect((await readNuclei(`${path}.part`)).length).toBe(4);
});

test('leaving the block by an error leaves the part, not a finished file', async () => {
  const path = join(folder, 'broken.geojson');
  const broken = async (): Promise<void> => {
    await using writer = await createWriter(path);
    await writer.write(squares(3));
    throw new Error('the slide ended early');
  };
  await expect(broken()).rejects.toThrow('the slide ended early');
  expect(existsSync(path)).toBe(false);
  expect((await readNuclei(`${path}.part`)).length).toBe(3);
});

test('refuses unknown formats and places', async () => {
  expect(writerFormats).toContain('geojson');
  await expectCode(createWriter(join(folder, 'a.xyz')), 'HISTOJET_INVALID_ARGUMENT', /geojson/);
  await expectCode(createWriter(join(folder, 'no', 'where.geojson')), 'HISTOJET_IO');
  await expectArgumentError(createWriter(join(folder, 'a'), { format: 'xml' as never }), RangeError, /^format: /);
  await expectArgumentError(createWriter(join(folder, 'a.json'), { origin: 'x' as never }), RangeError, /^origin: /);
  const writer = await createWriter(join(folder, 'b.geojson'));
  await expectArgumentError(writer.write([] as never), TypeError, /^batch: expected a NucleusList/);
  await writer.abandon();
  const closed = await Slide.open(slide.path);
  await closed.close();
  await expectCode(createWriter(join(folder, 'c.geojson'), { slide: closed }), 'HISTOJET_DISPOSED');
});

test('pictures: outlines are drawn on a copy, PNG is a PNG', async () => {
  const image = pattern(120, 40);
  const before = image.data.slice();
  const drawn = await renderOverlay(image, squares(3), { color: [255, 0, 0], lineWidth: 2 });
  expectSameBytes(image.data, before);
  expect(drawn).toMatchObject({ width: 120, height: 40, channels: 3 });
  expect(drawn.data).not.toEqual(before);
  expect([...drawn.data.subarray(120 * 3 * 5 + 15, 120 * 3 * 5 + 18)]).toEqual([
    ...before.subarray(120 * 3 * 5 + 15, 120 * 3 * 5 + 18), // the middle of the first square
  ]);
  const png = await encodePng(drawn);
  expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  expectSameBytes(await encodePng(drawn), png);
  await expectArgumentError(encodePng(drawn, { level: 10 }), RangeError, /^level: /);
  await expectArgumentError(renderOverlay(image, squares(1), { scale: 0 }), RangeError, /^scale: /);
});
