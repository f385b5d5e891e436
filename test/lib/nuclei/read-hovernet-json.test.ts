import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type HoverNetJsonOptions, NucleusList, readHoverNetJson, scoreNuclei } from '../../../lib/index.js';
import { MemberSplitter } from '../../../lib/nuclei/member-splitter.js';
import { expectArgumentError, expectCode, fixture, temporaryFolder } from '../support.js';

const folder = temporaryFolder();

interface Document {
  readonly mag: number | null;
  readonly nuc: Record<string, { readonly contour: [number, number][]; readonly type: number | null }>;
}

async function readAll(path: string, options?: HoverNetJsonOptions): Promise<NucleusList> {
  const lists: NucleusList[] = [];
  for await (const list of readHoverNetJson(path, options)) lists.push(list);
  return NucleusList.concat(lists);
}

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const contour = [
  [10, 20],
  [14, 20],
  [14, 26],
  [10, 26],
];
const nucleus = (x: number, type: number | null = null) => ({
  bbox: [
    [20, x],
    [27, x + 5],
  ],
  centroid: [x + 2, 23],
  contour: contour.map(([, y], i) => [x + (i === 1 || i === 2 ? 4 : 0), y]),
  type_prob: type === null ? null : 0.5,
  type,
});

/** Every contour of the list is that of the document, moved by half a pixel and scaled, in the document's order. */
function expectContours(list: NucleusList, { nuc }: Document, scale = 1): void {
  const expected = Object.values(nuc);
  expect(list.length).toBe(expected.length);
  for (const [i, { contour }] of expected.entries()) {
    expect([...list.contour(i)]).toEqual(contour.flatMap(([x, y]) => [(x + 0.5) * scale, (y + 0.5) * scale]));
  }
}

test('a tile of the reference, plain and packed', async () => {
  const path = fixture('nuclei/s128_hovernet.json');
  const bytes = readFileSync(path);
  const document = JSON.parse(bytes.toString()) as Document;
  const list = await readAll(path);
  expectContours(list, document);
  expect([...(list.types ?? [])]).toEqual(Object.values(document.nuc).map(({ type }) => type));
  expectContours(await readAll(write('packed.json.gz', gzipSync(bytes))), document);
});

const shared = join(import.meta.dirname, '../../../../shared/fixtures/hover');
test.skipIf(!existsSync(shared))(
  'larger tiles and a slide of the reference (skipped: no shared fixtures)',
  async () => {
    for (const name of ['s1024_hovernet.json.gz', 's1024_hovernet_wsi.json.gz']) {
      const document = JSON.parse(gunzipSync(readFileSync(join(shared, name))).toString()) as Document;
      const list = await readAll(join(shared, name));
      expectContours(list, document);
      expect(list.types).toBeNull();
      expect((await scoreNuclei(list, list)).matched).toBe(list.length);
    }
    expectContours(
      await readAll(join(shared, 's1024_hovernet_wsi.json.gz'), { magnification: 80 }),
      JSON.parse(gunzipSync(readFileSync(join(shared, 's1024_hovernet_wsi.json.gz'))).toString()) as Document,
      2,
    );
  },
);

test('coordinates are scaled', async () => {
  const document = { mag: 20, nuc: { 1: nucleus(10) } };
  const path = write('mag20.json', JSON.stringify(document));
  const left = async (options?: HoverNetJsonOptions) => (await readAll(path, options)).contour(0)[0];
  expect(await left()).toBe(10.5);
  expect(await left({ magnification: 40 })).toBe(21);
  expect(await left({ scale: 4 })).toBe(42);
  expect((await readAll(path, { magnification: 40 })).areas[0]).toBe(96);
});

test('a magnification that is not known cannot scale', async () => {
  const unknown = write('tile.json', JSON.stringify({ mag: null, nuc: { 1: nucleus(10) } }));
  await expectCode(readAll(unknown, { magnification: 40 }), 'HISTOJET_UNSUPPORTED_FORMAT', /"mag": null.*scale/);
  const late = write('late.json', JSON.stringify({ nuc: { 1: nucleus(10) }, mag: 40 }));
  await expectCode(readAll(late, { magnification: 40 }), 'HISTOJET_UNSUPPORTED_FORMAT', /scale/);
  expect((await readAll(late)).length).toBe(1);
});

test('order, other members and white space', async () => {
  const text = `\ufeff{"info": {"nuc": {"9": {}}, "mag": [1, "}"]}, "note": "\\"nuc\\": {", "mag" : 40.0,
    "nuc" : {"7": ${JSON.stringify(nucleus(70, 3))} ,\n "3": ${JSON.stringify(nucleus(30, 0))},
    "__proto__": ${JSON.stringify(nucleus(50, 255))}}, "more": {"nuc": {"1": 2}}}\n`;
  const list = await readAll(write('order.json', text), { magnification: 40 });
  expect([...list.boxes].filter((_, i) => i % 4 === 0)).toEqual([70.5, 30.5, 50.5]);
  expect([...(list.types ?? [])]).toEqual([3, 0, 255]);
});

test('the pieces do not matter', () => {
  const text = JSON.stringify({ 'é "nuc"': [{ a: '{' }], mag: 40, nuc: { 1: nucleus(1), 'ü"{\\': nucleus(2) }, z: 1 });
  const bytes = Buffer.from(text);
  const cut = (size: number) => {
    const splitter = new MemberSplitter('test');
    const members = [];
    for (let i = 0; i < bytes.length; i += size) members.push(...splitter.push(bytes.subarray(i, i + size)));
    splitter.end();
    return { members, magnification: splitter.magnification };
  };
  const whole = cut(bytes.length);
  expect(whole.magnification).toBe('40');
  expect(whole.members).toHaveLength(2);
  for (const { text, byte } of whole.members) expect(bytes.toString('utf8', byte).startsWith(text)).toBe(true);
  for (const size of [1, 2, 3, 7, 64]) expect(cut(size)).toEqual(whole);
});

test('many nuclei come in several lists', async () => {
  const nuc = Object.fromEntries(Array.from({ length: 20000 }, (_, i) => [i + 1, nucleus(i, 1)]));
  const lengths: number[] = [];
  for await (const list of readHoverNetJson(write('many.json', JSON.stringify({ mag: 40, nuc })))) {
    lengths.push(list.length);
  }
  expect(lengths).toEqual([16384, 3616]);
});

test('no nuclei, no lists', async () => {
  expect((await readAll(write('none.json', '{"mag": null, "nuc": {}}'))).length).toBe(0);
});

test("Python's NaN is null", async () => {
  const text = `{"mag": NaN, "nuc": {"NaN": {"centroid": [NaN, -Infinity], "contour": ${JSON.stringify(contour)},
    "type_prob": NaN, "type": 2, "note": "NaN"}, "2": ${JSON.stringify(nucleus(1, 1)).replace('0.5', 'Infinity')}}}`;
  const path = write('nan.json', text);
  expect([...((await readAll(path)).types ?? [])]).toEqual([2, 1]);
  await expectCode(readAll(path, { magnification: 40 }), 'HISTOJET_UNSUPPORTED_FORMAT', /NaN/);
  const point = `{"nuc": {"5": {"contour": [[1, 2], [NaN, 3], [4, 5]]}}}`;
  await expectCode(readAll(write('point.json', point)), 'HISTOJET_CORRUPT_FILE', /byte 9: nucleus "5": point 1 /);
});

test('types are all there or none', async () => {
  const late = { nuc: { a: nucleus(1, 4), b: nucleus(2, null) } };
  expect([...((await readAll(write('late.json', JSON.stringify(late)))).types ?? [])]).toEqual([4, 0]);
  const mixed = write('mixed.json', JSON.stringify({ nuc: { a: nucleus(2, null), b: nucleus(1, 4) } }));
  await expectCode(readAll(mixed), 'HISTOJET_CORRUPT_FILE', /nucleus "b": has a type/);
});

test('damage is an error of its own, with its place', async () => {
  const good = JSON.stringify({ mag: 40, nuc: { 1: nucleus(10), 2: nucleus(20) } });
  const cases: [string | Buffer, RegExp][] = [
    ['', /empty file/],
    [good.slice(0, -30), /ends too early/],
    [good.slice(0, -1), /ends too early/],
    ['nothing here', /byte 0: expected a HoVer-Net document/],
    ['[1]', /got an array/],
    ['{"mag": 40}', /without an object "nuc"/],
    ['{"mag": 40, "nuc": [1]}', /without an object "nuc"/],
    ['{"type": "FeatureCollection", "features": []}', /without an object "nuc"/],
    [`${good}}`, /never opened/],
    [`${good}{}`, /second document/],
    [`${good} x`, /byte \d+: expected/],
    ['{"nuc": {"1": {"contour": [[1,2],[3,4]]}}}', /byte 9: nucleus "1": expected a contour .* got 2 points/],
    ['{"nuc": {"1": {}}}', /byte 9: .* got undefined/],
    ['{"nuc": {"1": 5}}', /nucleus "1": expected an object, got 5/],
    ['{"nuc": {"1": {"contour": [[1,2],[3,4],[5]]}}}', /point 2 /],
    ['{"nuc": {"1": {"contour": [[1,2],[3,4],[5,6,7]]}}}', /point 2 /],
    ['{"nuc": {"1": {"contour": [[1,2],[3,4],["5",6]]}}}', /point 2 /],
    ['{"nuc": {"1": {"contour": [[1,2],[3,4],[5,6]], "type": 256}}}', /type from 0 to 255, got 256/],
    ['{"nuc": {"1": {"contour": [[1,2],[3,4],[5,6]], "type": "tumor"}}}', /type from 0 to 255/],
    ['{"nuc": {"1": {"contour": [[1,2],}}}', /byte 9: no valid JSON/],
    ['{"nuc": {{"1": 2}}}', /no valid JSON/],
    ['{"nuc": {"1": {}]}', /closed by another bracket/],
    [`{"nuc": {"1": ${'['.repeat(100000)}`, /nested deeper than 64/],
    [`{"x": ${'{"a":'.repeat(100000)}`, /nested deeper than 64/],
    [gzipSync(good).subarray(0, 60), /gzip stream is damaged/],
  ];
  for (const [content, message] of cases) {
    await expectCode(readAll(write('damaged.json', content)), 'HISTOJET_CORRUPT_FILE', message);
  }
  await expectCode(readAll(join(folder, 'missing.json')), 'HISTOJET_IO', /missing\.json/);
});

test('a head without end does not fill the memory', async () => {
  const path = write('head.json', `{"a": "${'x'.repeat(3e6)}", "nuc": {}}`);
  await expectCode(readAll(path), 'HISTOJET_CORRUPT_FILE', /before the nuclei/);
});

test('options are checked', async () => {
  const path = fixture('nuclei/s128_hovernet.json');
  await expectArgumentError(readAll(path, { scale: 0 }), RangeError, /^scale/);
  await expectArgumentError(readAll(path, { magnification: '40' as never }), TypeError, /^magnification/);
  await expectCode(readAll(path, { scale: 1, magnification: 40 }), 'HISTOJET_INVALID_ARGUMENT', /exclude/);
  const reason = new Error('enough');
  await expect(readAll(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
