import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Slide } from '../../../lib/index.js';
import { expectArgumentError, expectCode, expectSameBytes, smallSlide, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
const side = 96;

/** The adapted primaries of Adobe RGB (1998), columns of the matrix to XYZ (D50). */
const primaries = [
  [0.60974, 0.31111, 0.01947],
  [0.20528, 0.62567, 0.06087],
  [0.14919, 0.06322, 0.74457],
] as const;
const gamma = 2.2;

/** An ICC profile of version 2 with these primaries and this gamma (ICC.1:2001-04, sections 6.1, 6.5.2, 6.5.26). */
function profile(space = 'RGB '): Uint8Array {
  const fixed = (value: number): number => Math.round(value * 65536);
  const xyz = (values: readonly number[]): Buffer => {
    const tag = Buffer.alloc(20);
    tag.write('XYZ ');
    for (const [i, value] of values.entries()) tag.writeInt32BE(fixed(value), 8 + 4 * i);
    return tag;
  };
  const curve = Buffer.alloc(16);
  curve.write('curv');
  curve.writeUInt32BE(1, 8);
  curve.writeUInt16BE(Math.round(gamma * 256), 12);
  const tags: [string, Buffer][] = [
    ['wtpt', xyz([0.9642, 1, 0.8249])],
    ...['rXYZ', 'gXYZ', 'bXYZ'].map((name, i): [string, Buffer] => [name, xyz(primaries[i] as readonly number[])]),
    ...['rTRC', 'gTRC', 'bTRC'].map((name): [string, Buffer] => [name, curve]),
  ];
  const table = Buffer.alloc(4 + 12 * tags.length);
  table.writeUInt32BE(tags.length);
  let offset = 128 + table.length;
  for (const [i, [name, { length }]] of tags.entries()) {
    table.write(name, 4 + 12 * i);
    table.writeUInt32BE(offset, 8 + 12 * i);
    table.writeUInt32BE(length, 12 + 12 * i);
    offset += length;
  }
  const header = Buffer.alloc(128);
  header.writeUInt32BE(offset);
  header.writeUInt32BE(0x02400000, 8);
  header.write(`mntr${space}XYZ `, 12);
  header.write('acsp', 36);
  header.writeUInt32BE(1, 64); // relative colorimetric
  for (const [i, value] of [0.9642, 1, 0.8249].entries()) header.writeInt32BE(fixed(value), 68 + 4 * i);
  return Buffer.concat([header, table, ...tags.map(([, data]) => data)]);
}

/** Pseudo-random colours with black, white and the primaries among them. */
function colors(): Uint8Array {
  let state = 1;
  const data = Uint8Array.from({ length: side * side * 3 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 24;
  });
  data.set([0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 128, 128, 128]);
  return data;
}

/** An uncompressed TIFF of one tile with a profile. */
function slideWith(name: string, icc: Uint8Array): string {
  const pixels = colors();
  const at = { bits: 8, pixels: 16, icc: 16 + pixels.length, directory: 16 + pixels.length + icc.length + 3 };
  at.directory -= at.directory % 4;
  const entries: [tag: number, type: number, count: number, value: number][] = [
    [256, 4, 1, side],
    [257, 4, 1, side],
    [258, 3, 3, at.bits],
    [259, 3, 1, 1],
    [262, 3, 1, 2],
    [277, 3, 1, 3],
    [322, 4, 1, side],
    [323, 4, 1, side],
    [324, 4, 1, at.pixels],
    [325, 4, 1, pixels.length],
    [34675, 7, icc.length, at.icc],
  ];
  const file = Buffer.alloc(at.directory + 2 + 12 * entries.length + 4);
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(at.directory, 4);
  for (let i = 0; i < 3; i += 1) file.writeUInt16LE(8, at.bits + 2 * i);
  file.set(pixels, at.pixels);
  file.set(icc, at.icc);
  file.writeUInt16LE(entries.length, at.directory);
  for (const [i, [tag, type, count, value]] of entries.entries()) {
    const entry = at.directory + 2 + 12 * i;
    file.writeUInt16LE(tag, entry);
    file.writeUInt16LE(type, entry + 2);
    file.writeUInt32LE(count, entry + 4);
    file.writeUInt32LE(value, entry + 8);
  }
  const path = join(folder, name);
  writeFileSync(path, file);
  return path;
}

/** XYZ (D50) to linear sRGB: the inverse of the adapted primaries of IEC 61966-2-1. */
const toSrgb = [
  [3.1341359, -1.617386, -0.4906622],
  [-0.9787955, 1.9162544, 0.0334427],
  [0.0719554, -0.2289769, 1.4053861],
] as const;

/** The sRGB colour by the formulas alone. */
function converted(rgb: readonly number[]): number[] {
  const linear = rgb.map((value) => (value / 255) ** gamma);
  const xyz = [0, 1, 2].map((k) => linear.reduce((sum, value, i) => sum + value * (primaries[i]?.[k] ?? 0), 0));
  return toSrgb.map((row) => {
    const v = Math.min(
      1,
      Math.max(
        0,
        row.reduce((sum, factor, k) => sum + factor * (xyz[k] ?? 0), 0),
      ),
    );
    return 255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
  });
}

const whole = { x: 0, y: 0, width: side, height: side } as const;

describe('icc', () => {
  it('converts the colours of a profile to sRGB', async () => {
    await using slide = await Slide.open(slideWith('adobe.tif', profile()));
    expectSameBytes((await slide.iccProfile()) as Uint8Array, profile());
    const stored = (await slide.readRegion(whole)).data;
    expectSameBytes(stored, colors());
    const { data } = await slide.readRegion({ ...whole, icc: 'srgb' });
    let sum = 0;
    let far = 0;
    for (let i = 0; i < data.length; i += 3) {
      const wanted = converted([...stored.subarray(i, i + 3)]);
      for (const [k, value] of wanted.entries()) {
        const difference = Math.abs(value - (data[i + k] ?? 0));
        sum += difference;
        if (difference > 1.6) far += 1;
      }
    }
    expect(sum / data.length).toBeLessThan(0.4); // 0.25 is rounding alone
    expect(far / data.length).toBeLessThan(0.01); // near the border of the gamut
    expect([...data.subarray(3, 6)]).toEqual([255, 255, 255]);
    expect([...data.subarray(0, 3)]).toEqual([0, 0, 0]);
  });

  it('means the same in every way of reading', async () => {
    await using slide = await Slide.open(slideWith('ways.tif', profile()), { mpp: 0.5 });
    const { data } = await slide.readRegion({ ...whole, icc: 'srgb' });
    expectSameBytes((await slide.readAt({ ...whole, mpp: 0.5, icc: 'srgb' })).data, data);
    expectSameBytes((await slide.thumbnail({ maxSize: side, icc: 'srgb' })).data, data);
    for await (const { image } of slide.tiles({ size: side, icc: 'srgb' })) expectSameBytes(image.data, data);
    const positions = [{ x: 0, y: 0 }];
    for (const mpp of [undefined, 0.5]) {
      const at = mpp === undefined ? {} : { mpp };
      const batch = await slide.readBatch({ positions, width: side, height: side, ...at, icc: 'srgb' });
      expectSameBytes((await batch.data()) as Uint8Array, data);
    }
    const four = await slide.readRegion({ ...whole, x: -1, channels: 4, icc: 'srgb' });
    expect([...four.data.subarray(0, 8)]).toEqual([0, 0, 0, 0, ...data.subarray(0, 3), 255]);
    const tile = await slide.deepZoom({ format: 'png', icc: 'srgb' }).tile(7, 0, 0);
    writeFileSync(join(folder, 'tile.png'), tile);
    await using picture = await Slide.open(join(folder, 'tile.png'));
    expectSameBytes((await picture.readRegion(whole)).data, data);
  });

  it('comes before the normalisation of a batch', async () => {
    await using slide = await Slide.open(slideWith('batch.tif', profile()));
    const positions = [
      { x: 0, y: 0 },
      { x: 40, y: 31 },
    ];
    const normalize = { mean: [0.5, 0.25, 0.125], std: [0.25, 0.5, 2] } as const;
    const request = { positions, width: 17, height: 9, layout: 'nchw', normalize } as const;
    const values = (await (await slide.readBatch({ ...request, icc: 'srgb' })).data()) as Float32Array;
    const { data } = await slide.readRegion({ x: 40, y: 31, width: 17, height: 9, icc: 'srgb' });
    const wanted = Float32Array.from({ length: data.length }, (_, i) => {
      const c = Math.floor(i / 153) as 0 | 1 | 2;
      return ((data[3 * (i % 153) + c] ?? 0) / 255 - normalize.mean[c]) / normalize.std[c];
    });
    const furthest = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - (values[459 + i] ?? 9))), 0);
    expect(furthest).toBeLessThan(1e-5);
    const stored = (await (await slide.readBatch(request)).data()) as Float32Array;
    expect(stored).not.toEqual(values);
    const icc = 'p3' as never;
    await expectArgumentError(slide.readBatch({ ...request, icc }), RangeError, /^icc/);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(slide.readBatch({ ...request, icc: 'srgb', signal })).rejects.toThrow('enough');
  });

  it('comes along with a copy', async () => {
    await using slide = await Slide.open(slideWith('source.tif', profile()));
    await Slide.create(join(folder, 'copy.ome.tif'), slide, { compression: 'none', tileSize: 32 });
    await using copy = await Slide.open(join(folder, 'copy.ome.tif'));
    expectSameBytes((await copy.iccProfile()) as Uint8Array, profile());
  });

  it('leaves a slide without a profile as it is', async () => {
    await using slide = await Slide.open((await smallSlide(folder)).path);
    expect(await slide.iccProfile()).toBeNull();
    const region = { x: 0, y: 0, width: 50, height: 50 };
    const { data } = await slide.readRegion(region);
    expectSameBytes((await slide.readRegion({ ...region, icc: 'srgb' })).data, data);
    const batch = await slide.readBatch({ positions: [region], width: 50, height: 50, icc: 'srgb' });
    expectSameBytes((await batch.data()) as Uint8Array, data);
  });

  it('tells what is wrong with a profile', async () => {
    await using damaged = await Slide.open(slideWith('damaged.tif', profile().fill(7, 128)));
    await expectCode(damaged.readRegion({ ...whole, icc: 'srgb' }), 'HISTOJET_CORRUPT_FILE', /ICC profile/);
    expectSameBytes((await damaged.readRegion(whole)).data, colors());
    await using short = await Slide.open(slideWith('short.tif', profile().subarray(0, 90)));
    await expectCode(short.readRegion({ ...whole, icc: 'srgb' }), 'HISTOJET_CORRUPT_FILE', /ICC profile/);
    await using lab = await Slide.open(slideWith('lab.tif', profile('CMYK')));
    await expectCode(lab.readRegion({ ...whole, icc: 'srgb' }), 'HISTOJET_UNSUPPORTED_FORMAT', /CMYK, expected RGB/);
    await expectArgumentError(lab.readRegion({ ...whole, icc: 'p3' as never }), RangeError, /^icc/);
    const batch = lab.readBatch({ positions: [whole], width: side, height: side, icc: 'srgb' });
    await expectCode(batch, 'HISTOJET_UNSUPPORTED_FORMAT', /CMYK/);
  });
});
