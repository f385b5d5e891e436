import { truncateSync, writeFileSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Slide } from '../../../lib/index.js';
import { expectArgumentError, expectCode, expectSameBytes, smallSlide, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
let path = '';
let slide: Slide;

beforeAll(async () => {
  ({ path } = await smallSlide(folder));
  slide = await Slide.open(path);
});

describe('metadata', () => {
  test('describes the pyramid', () => {
    expect(slide).toMatchObject({ path, format: 'generic-tiff', width: 1040, height: 330, closed: false });
    expect(slide.levels[0]).toMatchObject({ width: 1040, height: 330, downsample: 1, tileWidth: 256, tileHeight: 256 });
    expect(slide.mpp?.x).toBeCloseTo(0.25, 6);
    expect(slide.mpp?.source).toBe('tiff-resolution');
    expect(slide.bounds).toEqual({ x: 0, y: 0, width: 1040, height: 330 });
    expect(slide.associatedImages).toEqual([]);
    expect(slide.warnings).toEqual([]);
    expect(slide.properties['openslide.level-count']).toBe(String(slide.levels.length));
    expect(slide.bestLevelForDownsample(1)).toBe(0);
    expect(slide.bestLevelForDownsample(1000)).toBe(slide.levels.length - 1);
  });

  test('takes the mpp of the option', async () => {
    const overridden = await Slide.open(path, { mpp: 0.4 });
    expect(overridden.mpp).toEqual({ x: 0.4, y: 0.4, source: 'override' });
    await overridden.close();
  });

  test('fingerprints the file', async () => {
    const copy = join(folder, 'copy.tif');
    await copyFile(path, copy);
    const other = await Slide.open(copy);
    expect(await other.fingerprint()).toBe(await slide.fingerprint());
    expect(await slide.fingerprint()).toMatch(/^sha256:[0-9a-f]{64}$/);
    await other.close();
  });
});

describe('readRegion', () => {
  test('gives the same pixels whole and in parts', async () => {
    const whole = await slide.readRegion({ x: 101, y: 57, width: 300, height: 211 });
    expect(whole).toMatchObject({ width: 300, height: 211, channels: 3 });
    const part = await slide.readRegion({ x: 101 + 77, y: 57 + 31, width: 40, height: 9 });
    for (let row = 0; row < 9; ++row) {
      const start = ((31 + row) * 300 + 77) * 3;
      expectSameBytes(part.data.subarray(row * 120, row * 120 + 120), whole.data.subarray(start, start + 120));
    }
  });

  test('paints the background outside, transparent with four channels', async () => {
    const outside = { x: -40, y: -40, width: 20, height: 10 };
    const painted = await slide.readRegion({ ...outside, background: [10, 20, 30] });
    expect([...painted.data.subarray(0, 6)]).toEqual([10, 20, 30, 10, 20, 30]);
    const clear = await slide.readRegion({ ...outside, channels: 4 });
    expect(clear.data.every((value, i) => i % 4 !== 3 || value === 0)).toBe(true);
    const inside = await slide.readRegion({ x: 10, y: 10, width: 20, height: 10, channels: 4 });
    expect(inside.data.every((value, i) => i % 4 !== 3 || value === 255)).toBe(true);
  });

  test('reads levels in both kinds of coordinates', async () => {
    const level = slide.levels.length - 1;
    const { downsample } = slide.levels[level] ?? { downsample: 0 };
    expect(downsample).toBeGreaterThan(1);
    const size = { width: 60, height: 40, level };
    const a = await slide.readRegion({ x: Math.ceil(20 * downsample), y: Math.ceil(10 * downsample), ...size });
    const b = await slide.readRegion({ x: 20, y: 10, coordinates: 'level', ...size });
    expectSameBytes(a.data, b.data);
  });

  test('fills an array of the caller', async () => {
    const request = { x: 5, y: 6, width: 33, height: 21 };
    const out = new Uint8Array(33 * 21 * 3);
    const image = await slide.readRegion({ ...request, out });
    expect(image.data).toBe(out);
    expectSameBytes(out, (await slide.readRegion(request)).data);
  });

  test('refuses what cannot be read, with exact messages', async () => {
    const good = { x: 0, y: 0, width: 8, height: 8 };
    await expectArgumentError(
      slide.readRegion({ ...good, x: 'a' as never }),
      TypeError,
      /^x: expected an integer, got/,
    );
    await expectArgumentError(slide.readRegion({ ...good, x: 0.5 }), RangeError, /^x: /);
    await expectArgumentError(slide.readRegion({ ...good, width: 0 }), RangeError, /^width: .*from 1/);
    await expectArgumentError(slide.readRegion({ ...good, level: 99 }), RangeError, /^level: /);
    await expectArgumentError(slide.readRegion({ ...good, channels: 2 as never }), RangeError, /^channels: /);
    await expectArgumentError(slide.readRegion({ ...good, width: 1e9, height: 1e9 }), RangeError, /at most/);
    await expectArgumentError(slide.readRegion({ ...good, resample: 'cubic' as never }), RangeError, /'nearest' or/);
    await expectArgumentError(slide.readRegion({ ...good, background: [1, 2] as never }), TypeError, /^background: /);
    await expectArgumentError(slide.readRegion({ ...good, signal: {} as never }), TypeError, /^signal: /);
    await expectArgumentError(slide.readRegion(null as never), TypeError, /^request: /);
    await expectCode(slide.readRegion({ ...good, out: new Uint8Array(7) }), 'HISTOJET_SHAPE_MISMATCH', /192 bytes/);
  });
});

describe('other views', () => {
  test('readAt doubles the resolution and keeps the place', async () => {
    const image = await slide.readAt({ x: 100.5, y: 40, width: 64, height: 32, mpp: 0.5 });
    expect(image).toMatchObject({ width: 64, height: 32, channels: 3 });
    const same = await slide.readAt({ x: 64, y: 32, width: 50, height: 20, mpp: slide.mpp?.x ?? 0 });
    expectSameBytes(same.data, (await slide.readRegion({ x: 64, y: 32, width: 50, height: 20 })).data);
  });

  test('thumbnail keeps the proportions', async () => {
    expect(await slide.thumbnail({ maxSize: 100 })).toMatchObject({ width: 100, height: 32, channels: 3 });
    expect(await slide.thumbnail({ maxSize: 5000 })).toMatchObject({ width: 1040, height: 330 });
    await expectArgumentError(slide.thumbnail({ maxSize: 0 }), RangeError, /^maxSize: /);
  });

  test('tissueMask finds tissue and glass', async () => {
    const mask = await slide.tissueMask({ mpp: 4 });
    expect(mask.downsample).toBeCloseTo(16, 5);
    expect(mask.data.length).toBe(mask.width * mask.height);
    const share = mask.data.reduce((sum, value) => sum + value, 0) / mask.data.length;
    expect(share).toBeGreaterThan(0.2);
    await expectArgumentError(slide.tissueMask({ method: 'magic' as never }), RangeError, /^method: expected 'otsu'/);
  });

  test('an unknown associated image is an error', async () => {
    await expectCode(slide.readAssociatedImage('label'), 'HISTOJET_INVALID_ARGUMENT', /label/);
  });
});

describe('files that are no slides', () => {
  test('missing, foreign and cut files have their own codes', async () => {
    await expectCode(Slide.open(join(folder, 'none.svs')), 'HISTOJET_IO', /none\.svs/);
    const text = join(folder, 'text.svs');
    writeFileSync(text, 'this is no slide at all, only some words in a file');
    await expectCode(Slide.open(text), 'HISTOJET_UNSUPPORTED_FORMAT');
    const cut = join(folder, 'cut.tif');
    writeFileSync(cut, await readFile(path));
    truncateSync(cut, 200);
    await expectCode(Slide.open(cut), 'HISTOJET_CORRUPT_FILE');
    await expectArgumentError(Slide.open(7 as never), TypeError, /^path: expected a string, got 7/);
    await expectArgumentError(Slide.open('a\0b'), RangeError, /null character/);
    await expectArgumentError(Slide.open(path, { mpp: -1 }), RangeError, /^mpp: /);
    await expectArgumentError(Slide.open(path, [] as never), TypeError, /^options: expected an object, got an array/);
  });
});

describe('closing', () => {
  test('twice is fine, using it afterwards is not', async () => {
    const other = await Slide.open(path);
    const running = other.readRegion({ x: 0, y: 0, width: 500, height: 300 });
    await other.close();
    await other.close();
    expect(other.closed).toBe(true);
    expect((await running).data.length).toBe(450_000);
    await expectCode(other.readRegion({ x: 0, y: 0, width: 1, height: 1 }), 'HISTOJET_DISPOSED', /the slide is closed/);
    expect(() => other.bestLevelForDownsample(1)).toThrow(expect.objectContaining({ code: 'HISTOJET_DISPOSED' }));
    expect(other.width).toBe(1040);
    expect(other.warnings).toEqual([]);
  });

  test('await using closes', async () => {
    let kept: Slide;
    {
      await using other = await Slide.open(path);
      kept = other;
    }
    expect(kept.closed).toBe(true);
  });
});
