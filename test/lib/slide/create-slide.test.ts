import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CreateSlideOptions, type NewTile, type Progress, Slide } from '../../../lib/index.js';
import { expectArgumentError, expectCode, expectSameBytes, pattern, smallSlide, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);
const lossless = ['deflate', 'zstd', 'none'] as const;

/** Writes one picture as a slide and opens it. */
async function written(name: string, options: CreateSlideOptions, width = 517, height = 301): Promise<Slide> {
  const { data } = pattern(width, height);
  await Slide.create(inFolder(name), { width, height, data, channels: 3 }, options);
  return Slide.open(inFolder(name));
}

describe('Slide.create', () => {
  it.each(lossless)('keeps every pixel with %s', async (compression) => {
    await using slide = await written(`${compression}.tif`, { compression, tileSize: 112 });
    expect(slide).toMatchObject({ format: 'generic-tiff', width: 517, height: 301, mpp: null, warnings: [] });
    expect(slide.levels).toMatchObject([{ tileWidth: 112, tileHeight: 112 }]);
    const { data } = await slide.readRegion({ x: 0, y: 0, width: 517, height: 301 });
    expectSameBytes(data, pattern(517, 301).data);
  });

  it('makes levels that are 2 x 2 means, in the chain and in SubIFDs', async () => {
    for (const name of ['levels.tif', 'levels.ome.tif']) {
      await using slide = await written(name, { compression: 'deflate', mpp: 0.499 }, 2051, 1033);
      expect(slide.levels).toMatchObject([
        { width: 2051, height: 1033 },
        { width: 1025, height: 516 },
        { width: 512, height: 258 },
      ]);
      expect(slide.mpp).toMatchObject({ x: 0.499, y: 0.499 });
      const above = await slide.readRegion({ x: 512, y: 250, width: 20, height: 20 });
      const half = await slide.readRegion({ x: 256, y: 125, width: 10, height: 10, level: 1, coordinates: 'level' });
      for (let y = 0; y < 10; y += 1) {
        for (let i = 0; i < 30; i += 1) {
          const at = (row: number, column: number): number =>
            above.data[(2 * y + row) * 60 + 6 * Math.floor(i / 3) + (i % 3) + 3 * column] as number;
          expect(half.data[30 * y + i]).toBe(Math.floor((at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1) + 2) / 4));
        }
      }
    }
    await using flat = await written('flat.tif', { pyramid: false }, 2051, 1033);
    expect(flat.levels).toHaveLength(1);
  });

  it('copies a slide: the whole, a part, a level, at another resolution', async () => {
    const { path } = await smallSlide(folder);
    await using source = await Slide.open(path);
    const whole = await source.readRegion({ x: 0, y: 0, width: 1040, height: 330 });
    const reports: Progress[] = [];
    const made = await Slide.create(inFolder('copy.tif'), source, {
      compression: 'zstd',
      onProgress: (progress) => reports.push(progress),
    });
    expect(made).toEqual({
      path: inFolder('copy.tif'),
      width: 1040,
      height: 330,
      fileBytes: readFileSync(inFolder('copy.tif')).length,
    });
    expect(reports.at(-1)).toMatchObject({ stage: 'write', done: reports.at(-1)?.total });
    await using copy = await Slide.open(inFolder('copy.tif'));
    expect(copy.mpp).toEqual(source.mpp);
    expectSameBytes((await copy.readRegion({ x: 0, y: 0, width: 1040, height: 330 })).data, whole.data);

    const region = { x: 101, y: 57, width: 399, height: 211 };
    await Slide.create(inFolder('part.tif'), { slide: source, region }, { compression: 'none' });
    await using part = await Slide.open(inFolder('part.tif'));
    expect([part.width, part.height]).toEqual([399, 211]);
    const expected = await source.readRegion(region);
    expectSameBytes((await part.readRegion({ x: 0, y: 0, width: 399, height: 211 })).data, expected.data);

    await Slide.create(inFolder('level.tif'), { slide: source, level: 1 }, { compression: 'none' });
    await using level = await Slide.open(inFolder('level.tif'));
    expect([level.width, level.height]).toEqual([520, 165]);
    expect(level.mpp?.x).toBeCloseTo(0.5, 9);
    const small = await source.readRegion({ x: 0, y: 0, width: 520, height: 165, level: 1 });
    expectSameBytes((await level.readRegion({ x: 0, y: 0, width: 520, height: 165 })).data, small.data);

    await Slide.create(inFolder('coarse.tif'), { slide: source, region }, { compression: 'none', mpp: 0.4 });
    await using coarse = await Slide.open(inFolder('coarse.tif'));
    expect([coarse.width, coarse.height, coarse.mpp?.x]).toEqual([249, 132, 0.4]);
    const at = await source.readAt({ x: 101, y: 57, width: 249, height: 132, mpp: 0.4 });
    expectSameBytes((await coarse.readRegion({ x: 0, y: 0, width: 249, height: 132 })).data, at.data);
  });

  it('stores JPEG that looks like its source, in equal bytes each time', async () => {
    const { path } = await smallSlide(folder);
    await using source = await Slide.open(path);
    const region = { x: 0, y: 0, width: 1040, height: 330 };
    const before = (await source.readRegion(region)).data;
    for (const quality of [80, 95]) {
      await Slide.create(inFolder('a.tif'), source, { quality, tileSize: 512 });
      await Slide.create(inFolder('b.tif'), source, { quality, tileSize: 512 });
      expectSameBytes(readFileSync(inFolder('a.tif')), readFileSync(inFolder('b.tif')));
      await using copy = await Slide.open(inFolder('a.tif'));
      const { data } = await copy.readRegion(region);
      const difference = data.reduce((sum, value, i) => sum + Math.abs(value - (before[i] ?? 0)), 0) / data.length;
      expect(difference).toBeGreaterThan(0);
      expect(difference).toBeLessThan(quality === 80 ? 4 : 2);
    }
  });

  it('takes tiles in any order and of any size', async () => {
    const image = pattern(700, 420);
    const cut = (x: number, y: number, width: number, height: number): NewTile => {
      const data = new Uint8Array(width * height * 3);
      for (let row = 0; row < height; row += 1) {
        for (let i = 0; i < 3 * width; i += 1) {
          const column = x * 3 + i;
          const inside = column >= 0 && column < 2100 && y + row >= 0 && y + row < 420;
          if (inside) data[row * width * 3 + i] = image.data[(y + row) * 2100 + column] as number;
        }
      }
      return { x, y, image: { data, width, height, channels: 3 } };
    };
    async function* tiles(): AsyncGenerator<NewTile> {
      yield { x: 300, y: 0, image: pattern(50, 50) }; // replaced below
      for (const y of [400, 200, 0]) for (const x of [350, -10]) yield cut(x, y, 360, 200);
    }
    const stages = new Set<string>();
    await Slide.create(
      inFolder('tiles.tif'),
      { width: 700, height: 500, tiles: tiles(), background: [10, 20, 30] },
      { compression: 'zstd', onProgress: ({ stage }) => stages.add(stage) },
    );
    expect([...stages]).toEqual(['collect', 'write']);
    await using slide = await Slide.open(inFolder('tiles.tif'));
    expectSameBytes((await slide.readRegion({ x: 0, y: 0, width: 700, height: 420 })).data, image.data);
    const below = await slide.readRegion({ x: 355, y: 420, width: 300, height: 80 });
    expect([...below.data.subarray(0, 3)]).toEqual([0, 0, 0]); // a tile reached here
    const untouched = await written('untouched.tif', { compression: 'none' }, 16, 16);
    await untouched.close();
    await Slide.create(inFolder('empty.tif'), { width: 40, height: 20, tiles: [], background: [10, 20, 30] });
    await using empty = await Slide.open(inFolder('empty.tif'));
    const { data } = await empty.readRegion({ x: 0, y: 0, width: 1, height: 1 });
    for (const [i, value] of [10, 20, 30].entries()) expect(Math.abs((data[i] ?? 0) - value)).toBeLessThan(4);
    expect(readdirSync(folder).filter((name) => name.includes('spool'))).toEqual([]);
  });

  it('writes heat maps: bytes and numbers, grey and colour', async () => {
    const values = Float32Array.from({ length: 30 * 20 }, (_, i) => (i - 50.3) / 441.7);
    values[7] = Number.NaN;
    await Slide.create(inFolder('heat.tif'), { width: 30, height: 20, data: values }, { mpp: 8, tileSize: 16 });
    await using slide = await Slide.open(inFolder('heat.tif'));
    expect(slide.mpp?.x).toBe(8);
    const { data } = await slide.readRegion({ x: 0, y: 0, width: 30, height: 20 });
    const byte = (v: number): number => (v > 0 ? Math.floor(Math.min(1, v) * 255 + 0.5) : 0);
    expect([...data]).toEqual([...values].flatMap((v) => [byte(v), byte(v), byte(v)]));
    await Slide.create(inFolder('grey.ome.tif'), { width: 30, height: 20, data: pattern(10, 20).data }, {});
    await using grey = await Slide.open(inFolder('grey.ome.tif'));
    const pixels = await grey.readRegion({ x: 0, y: 0, width: 30, height: 20 });
    expect(pixels.data.filter((_, i) => i % 3 === 0)).toEqual(pattern(10, 20).data);
    await Slide.create(inFolder('jpeg.tif'), { width: 30, height: 20, data: values }, { compression: 'jpeg' });
    await using lossy = await Slide.open(inFolder('jpeg.tif'));
    const near = await lossy.readRegion({ x: 0, y: 0, width: 30, height: 20 });
    expect(near.data.every((value, i) => Math.abs(value - (data[i] ?? 0)) < 12)).toBe(true);
  });

  it('leaves nothing when it is stopped', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new Error('enough');
    async function* endless(): AsyncGenerator<NewTile> {
      yield { x: 0, y: 0, image: pattern(16, 16) };
      setTimeout(() => controller.abort(reason), 20);
      await new Promise(() => {});
    }
    const stopped = inFolder('stopped.tif');
    await expect(Slide.create(stopped, { width: 64, height: 64, tiles: endless() }, { signal })).rejects.toBe(reason);
    async function* broken(): AsyncGenerator<NewTile> {
      yield { x: 0, y: 0, image: pattern(16, 16) };
      throw reason;
    }
    await expect(Slide.create(stopped, { width: 64, height: 64, tiles: broken() })).rejects.toBe(reason);
    expect(existsSync(stopped) || existsSync(`${stopped}.part`)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes('spool'))).toEqual([]);
  });

  it('refuses what makes no slide', async () => {
    const path = inFolder('bad.tif');
    const map = { width: 4, height: 4, data: new Uint8Array(16) };
    await expectArgumentError(Slide.create(path, 5 as never), TypeError, /^source: expected a Slide/);
    await expectArgumentError(Slide.create(path, map, { tileSize: 100 }), RangeError, /^tileSize/);
    await expectArgumentError(Slide.create(path, map, { tileSize: 8192 }), RangeError, /^tileSize/);
    await expectArgumentError(Slide.create(path, map, { compression: 'lzw' as never }), RangeError, /^compression/);
    await expectArgumentError(Slide.create(path, map, { quality: 0 }), RangeError, /^quality/);
    await expectArgumentError(Slide.create(path, { ...map, channels: 2 as never }), TypeError, /^source.channels/);
    await expectCode(Slide.create(path, { ...map, width: 5 }), 'HISTOJET_SHAPE_MISMATCH', /holds 16 values/);
    const tile = { x: 0, y: 0, image: { ...map, channels: 1 as const } };
    await expectCode(Slide.create(path, { width: 9, height: 9, tiles: [tile] }), 'HISTOJET_INVALID_ARGUMENT');
    await expectCode(Slide.create(inFolder('no/such/folder.tif'), map), 'HISTOJET_IO');
    const { path: source } = await smallSlide(folder);
    const slide = await Slide.open(source);
    const outside = { slide, region: { x: 5000, y: 0, width: 5, height: 5 } };
    await expectCode(Slide.create(path, outside), 'HISTOJET_INVALID_ARGUMENT', /outside the slide/);
    await expectArgumentError(Slide.create(path, { slide, level: 0 }, { mpp: 1 }), TypeError, /^level, mpp/);
    await expectCode(Slide.create(path, { slide, level: 9 }), 'HISTOJET_INVALID_ARGUMENT', /a level from 0 to/);
    await slide.close();
    await expectCode(Slide.create(path, slide), 'HISTOJET_DISPOSED');
    expect(existsSync(path) || existsSync(`${path}.part`)).toBe(false);
  });
});
