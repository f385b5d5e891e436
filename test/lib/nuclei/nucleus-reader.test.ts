import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import {
  createWriter,
  type NucleusClass,
  NucleusList,
  openNuclei,
  readerFormats,
  readNuclei,
} from '../../../lib/index.js';
import { expectCode, temporaryFolder } from '../support.js';

const folder = temporaryFolder();

const classes: readonly NucleusClass[] = [
  { name: 'Background', color: [0, 0, 0] },
  { name: 'Neoplastic', color: [255, 0, 0] },
  { name: 'Épithélium "x"', color: [1, 2, 3] },
];

/** Odd polygons far from the origin. */
function contours(count: number): number[][] {
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: 5 + (i % 9) }, (_, k) => {
      const angle = (2 * Math.PI * k) / (5 + (i % 9));
      return [30000 + 31 * (i % 200) + 9.37 * Math.cos(angle), 17 * Math.floor(i / 200) + 8.11 * Math.sin(angle)];
    }).flat(),
  );
}

async function write(name: string, list: NucleusList, given: readonly NucleusClass[]): Promise<string> {
  const path = join(folder, name);
  const writer = await createWriter(path, { classes: given });
  await writer.write(list);
  await writer.close();
  return path;
}

test.each(['geojson', 'geojson.gz'])('%s comes back with its classes and vertices', async (extension) => {
  const rings = contours(5001);
  const types = rings.map((_, i) => 2 - (i % 3));
  const path = await write(`round.${extension}`, NucleusList.fromContours(rings, { types }), classes);
  const reader = await openNuclei(path);
  expect(reader).toMatchObject({ path, format: 'geojson', magnification: null, classes });
  expect(reader.provenance).toMatchObject({ software: 'histojet', origin: 'bounds', classes });
  const lists: NucleusList[] = [];
  for await (const list of reader) lists.push(list);
  expect(lists.length).toBe(2);
  const back = NucleusList.concat(lists);
  expect([...(back.types ?? [])]).toEqual(types);
  let worst = 0;
  rings.forEach((ring, i) => {
    const contour = back.contour(i);
    expect(contour.length).toBe(ring.length);
    contour.forEach((value, k) => {
      worst = Math.max(worst, Math.abs(value - (ring[k] as number)));
    });
  });
  expect(worst).toBeLessThan(0.01); // half a hundredth, and single precision
  expect(reader.classes).toEqual(classes);
});

test('one class makes no types', async () => {
  const path = await write('plain.geojson', NucleusList.fromContours(contours(3)), []);
  expect((await readNuclei(path)).types).toBeNull();
});

test('HoVer-Net documents are scaled by the magnification', async () => {
  const path = join(folder, 'hover.json.gz');
  const contour = [
    [0, 0],
    [4, 0],
    [4, 4],
    [0, 4],
  ];
  writeFileSync(path, gzipSync(JSON.stringify({ mag: 20, nuc: { 1: { contour, type: 3, type_prob: 0.5 } } })));
  expect((await readNuclei(path)).at(0)).toMatchObject({ box: [0.5, 0.5, 4.5, 4.5], area: 16, type: 3 });
  const reader = await openNuclei(path, { magnification: 40, format: 'hovernet-json' });
  expect(reader.magnification).toBe(20);
  for await (const list of reader)
    expect(list.at(0)).toMatchObject({ box: [1, 1, 9, 9], area: 64, typeProbability: 0.5 });
});

test('a reader is read once and can be closed', async () => {
  const path = await write('once.geojson', NucleusList.fromContours(contours(3)), []);
  const all = async (reader: AsyncIterable<NucleusList>) => {
    let count = 0;
    for await (const list of reader) count += list.length;
    return count;
  };
  const reader = await openNuclei(path);
  expect(await all(reader)).toBe(3);
  await expectCode(all(reader), 'HISTOJET_DISPOSED', /reader/);
  const closed = await openNuclei(path);
  closed.close();
  closed.close();
  await expectCode(all(closed), 'HISTOJET_DISPOSED', /reader/);
  const reason = new Error('enough');
  const controller = new AbortController();
  const stopped = await openNuclei(path, { signal: controller.signal });
  controller.abort(reason);
  await expect(all(stopped)).rejects.toBe(reason);
});

test('wrong arguments and files are refused', async () => {
  const path = join(folder, 'text.txt');
  writeFileSync(path, 'no nuclei');
  expect(readerFormats).toContain('geojson');
  await expectCode(openNuclei(path), 'HISTOJET_UNSUPPORTED_FORMAT', /text\.txt: no known file of nuclei/);
  await expectCode(openNuclei(join(folder, 'none')), 'HISTOJET_IO', /none/);
  await expectCode(openNuclei(path, { format: 'geojson' }), 'HISTOJET_CORRUPT_FILE', /expected GeoJSON/);
  await expect(openNuclei(path, { format: 'cat' })).rejects.toThrow(/format/);
  await expect(openNuclei(path, { magnification: 0 })).rejects.toThrow(RangeError);
});
