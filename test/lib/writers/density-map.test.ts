import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { colormaps, DensityMap, type NucleusClass, NucleusList, Slide } from '../../../lib/index.js';
import { expectArgumentError, expectCode, expectSameBytes, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);

const classes: readonly NucleusClass[] = [
  { name: 'background', color: [0, 0, 0] },
  { name: 'lymphocyte', color: [0, 0, 255] },
  { name: 'tumour', color: [255, 0, 0] },
];

/** Squares of 4 x 4 px around these centres. */
function squares(centres: readonly (readonly [number, number])[], types?: readonly number[]): NucleusList {
  const rings = centres.map(([x, y]) => [x - 2, y - 2, x + 2, y - 2, x + 2, y + 2, x - 2, y + 2]);
  return NucleusList.fromContours(rings, types === undefined ? {} : { types });
}

/** 1000 x 600 px of 0.25 x 0.5 um: 250 x 300 um. */
const oddSlide = { width: 1000, height: 600, mpp: { x: 0.25, y: 0.5 } };

async function oddMap(): Promise<DensityMap> {
  const map = new DensityMap(oddSlide, { cellUm: 40, classes });
  await map.add(
    squares(
      [
        [10, 10],
        [20, 20],
        [990, 590],
      ],
      [1, 2, 2],
    ),
  );
  return map;
}

function description(path: string): Record<string, unknown> & { scale: { value: number; color: number[] }[] } {
  return JSON.parse(readFileSync(`${path}.json`, 'utf8'));
}

describe('DensityMap', () => {
  it('fills the region with whole cells', () => {
    const map = new DensityMap(oddSlide, { cellUm: 40 });
    expect(map).toMatchObject({ width: 6, height: 8, classes: [], region: { x: 0, y: 0, width: 1000, height: 600 } });
    expect(map.cellPx).toEqual({ x: 1000 / 6, y: 75 });
    expect(map.mpp).toEqual({ x: 250 / 6, y: 37.5 });
    expect(new DensityMap({ width: 3, height: 2, mpp: 0.25 })).toMatchObject({ width: 1, height: 1 });
    const part = new DensityMap(oddSlide, { region: { x: -50, y: 500, width: 150, height: 1000 }, cellUm: 10 });
    expect(part.region).toEqual({ x: 0, y: 500, width: 100, height: 100 });
    expect(part).toMatchObject({ width: 3, height: 5 }); // 2.5 cells across: rounded
  });

  it('counts per square millimetre, in all and by class', async () => {
    const map = await oddMap();
    expect(await map.counts()).toEqual({ total: 3, byType: [0, 1, 2] });
    const cell = (map.mpp.x * map.mpp.y) / 1e6;
    const all = await map.values();
    expect(all).toMatchObject({ width: 6, height: 8, cellPx: map.cellPx });
    expect(all.data).toHaveLength(48);
    expect(all.data[0]).toBeCloseTo(2 / cell, 1);
    expect(all.data[47]).toBeCloseTo(1 / cell, 1);
    const tumour = await map.values({ type: 2 });
    expect(tumour.data[0]).toBeCloseTo(1 / cell, 1);
    expect((await map.values({ type: 0 })).data.every((value) => value === 0)).toBe(true);
    const smooth = await map.values({ smoothUm: 60 });
    expect(smooth.data.every((value) => value > 0)).toBe(true);
    expect(smooth.data.reduce((sum, value) => sum + value * cell, 0)).toBeCloseTo(3, 4);
  });

  it('adds up the same in any order and at the same time', async () => {
    const one = await oddMap();
    const lists = [
      squares([[500, 300]], [1]),
      squares(
        [
          [501, 301],
          [30, 400],
        ],
        [2, 1],
      ),
      squares([]),
    ];
    const two = new DensityMap(oddSlide, { cellUm: 40, classes });
    await Promise.all(
      [
        ...lists,
        squares(
          [
            [10, 10],
            [20, 20],
            [990, 590],
          ],
          [1, 2, 2],
        ),
      ].map((list) => two.add(list)),
    );
    for (const list of lists.reverse()) await one.add(list);
    expect(await one.counts()).toEqual({ total: 6, byType: [0, 3, 3] });
    expect((await two.values({ smoothUm: 30 })).data).toEqual((await one.values({ smoothUm: 30 })).data);
  });

  it('renders a pixel per cell, transparent where nothing is', async () => {
    const map = await oddMap();
    const image = await map.render({ smoothUm: 0 });
    expect(image).toMatchObject({ width: 6, height: 8, channels: 4 });
    expect([...image.data.subarray(0, 4)]).toEqual([253, 231, 37, 255]); // the end of viridis
    expect([...image.data.subarray(4, 8)]).toEqual([0, 0, 0, 0]);
    const cell = (map.mpp.x * map.mpp.y) / 1e6;
    const gray = await map.render({ smoothUm: 0, colormap: 'gray', max: 4 / cell });
    expect([...gray.data.subarray(0, 4)]).toEqual([128, 128, 128, 255]);
    const empty = await map.render({ type: 0 });
    expect(empty.data.every((value) => value === 0)).toBe(true);
  });

  it('writes a PNG and says what it shows', async () => {
    const map = await oddMap();
    const path = inFolder('density.png');
    await map.savePng(path, { smoothUm: 0, colormap: 'inferno' });
    await using picture = await Slide.open(path);
    expect(picture).toMatchObject({ width: 6, height: 8, format: 'png' });
    const { data } = await picture.readRegion({ x: 0, y: 0, width: 6, height: 8, channels: 4 });
    expect([...data.subarray(0, 4)]).toEqual([252, 255, 164, 255]);
    const max = ((await map.values()).data[0] as number) * 1;
    const side = description(path);
    expect(side).toMatchObject({
      unit: 'nuclei per square millimetre',
      mpp: [250 / 6, 37.5],
      origin: [0, 0],
      level0PerPixel: [1000 / 6, 75],
      size: [6, 8],
      min: 0,
      max,
      colormap: 'inferno',
      smoothUm: 0,
      class: null,
      nuclei: 3,
      classes: [
        { id: 0, name: 'background', color: [0, 0, 0], nuclei: 0 },
        { id: 1, name: 'lymphocyte', color: [0, 0, 255], nuclei: 1 },
        { id: 2, name: 'tumour', color: [255, 0, 0], nuclei: 2 },
      ],
    });
    expect(side.scale).toHaveLength(11);
    expect(side.scale[0]).toEqual({ value: 0, color: [0, 0, 4] });
    expect(side.scale[10]).toEqual({ value: Number(max.toPrecision(6)), color: [252, 255, 164] });
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('writes TIFFs that show exactly the region', async () => {
    const map = await oddMap();
    for (const name of ['map.tif', 'map.ome.tiff']) {
      await map.saveTiff(inFolder(name), { smoothUm: 0, compression: 'zstd' });
      await using tiff = await Slide.open(inFolder(name));
      expect(tiff).toMatchObject({ width: 6, height: 8, format: name === 'map.tif' ? 'generic-tiff' : 'ome-tiff' });
      expect((tiff.mpp?.x ?? 0) * tiff.width).toBeCloseTo(250, 3);
      expect((tiff.mpp?.y ?? 0) * tiff.height).toBeCloseTo(300, 3);
      const { data } = await tiff.readRegion({ x: 0, y: 0, width: 6, height: 8 });
      expect([...data.subarray(0, 6)]).toEqual([253, 231, 37, 255, 255, 255]);
    }
    await map.saveTiff(inFolder('levels.tif'), { type: 2, content: 'values', smoothUm: 0 });
    await using values = await Slide.open(inFolder('levels.tif'));
    const { data } = await values.readRegion({ x: 0, y: 0, width: 6, height: 8 });
    expect([data[0], data[3], data[3 * 47]]).toEqual([255, 0, 255]);
    expect(description(inFolder('levels.tif'))).toMatchObject({
      content: 'values',
      colormap: 'gray',
      class: 2,
      nuclei: 2,
    });
  });

  it('writes the numbers as an OME-TIFF of floating point', async () => {
    const map = new DensityMap(oddSlide, {
      cellUm: 2,
      classes: [...classes, { name: 'a<b & "c" µ', color: [1, 1, 1] }],
    });
    await map.add(
      squares(
        [
          [10, 10],
          [20, 20],
          [990, 590],
        ],
        [1, 2, 3],
      ),
    ); // 125 x 150 cells
    const path = inFolder('numbers.ome.tif');
    await map.saveValues(path, { smoothUm: 3 });
    const file = readFileSync(path);
    expect(file.subarray(0, 4)).toEqual(Buffer.from([0x49, 0x49, 42, 0]));
    let offset = file.readUInt32LE(4);
    for (const type of [undefined, 0, 1, 2, 3]) {
      const tags = new Map<number, { count: number; value: number; at: number }>();
      const count = file.readUInt16LE(offset);
      for (let at = offset + 2; at < offset + 2 + 12 * count; at += 12) {
        const long = file.readUInt16LE(at + 2) !== 3;
        const value = long ? file.readUInt32LE(at + 8) : file.readUInt16LE(at + 8);
        tags.set(file.readUInt16LE(at), { count: file.readUInt32LE(at + 4), value, at: at + 8 });
      }
      const value = (id: number): number => tags.get(id)?.value ?? -1;
      expect([256, 257, 258, 259, 277, 339].map(value)).toEqual([125, 150, 32, 1, 1, 3]);
      expect(file.readUInt32LE(value(282)) / file.readUInt32LE(value(282) + 4)).toBeCloseTo(10_000 / map.mpp.x, 5);
      expect(file.readUInt32LE(value(283)) / file.readUInt32LE(value(283) + 4)).toBeCloseTo(10_000 / map.mpp.y, 5);
      const rows = value(278);
      const strips = tags.get(273)?.count ?? 0;
      expect(strips).toBe(Math.ceil(150 / rows));
      const start = strips === 1 ? value(273) : file.readUInt32LE(value(273));
      const { data } = await map.values({ smoothUm: 3, ...(type !== undefined && { type }) });
      expectSameBytes(file.subarray(start, start + 4 * 125 * 150), data);
      if (type === undefined) {
        const xml = file.toString('utf8', value(270), value(270) + (tags.get(270)?.count ?? 0) - 1);
        expect(xml).toContain('Type="float" SizeX="125" SizeY="150" SizeC="5"');
        expect(xml).toContain('Name="a&lt;b &amp; &quot;c&quot; µ"');
      }
      offset = file.readUInt32LE(offset + 2 + 12 * count);
    }
    expect(offset).toBe(0);
    expect(description(path)).toMatchObject({ content: 'float32', smoothUm: 3, nuclei: 3, size: [125, 150] });
    expect(description(path).channels).toEqual(['all', 'background', 'lymphocyte', 'tumour', 'a<b & "c" µ']);
    await expectCode(map.saveValues(inFolder('missing/a.tif')), 'HISTOJET_IO', /cannot write/);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(map.saveValues(inFolder('no.ome.tif'), { signal })).rejects.toThrow('enough');
    expect(existsSync(inFolder('no.ome.tif.part'))).toBe(false);
  });

  it('has smaller levels when it is large', async () => {
    const map = new DensityMap({ width: 12_000, height: 5000, mpp: 1 }, { cellUm: 5 });
    await map.add(squares([[6000, 2500]]));
    await map.saveTiff(inFolder('large.tif'));
    await using tiff = await Slide.open(inFolder('large.tif'));
    expect(tiff.levels).toMatchObject([{ width: 2400, height: 1000 }, { width: 1200 }, { width: 600 }]);
  });

  it('writes equal bytes in equal runs', async () => {
    const bytes = [];
    for (const name of ['a.tif', 'b.tif']) {
      await (await oddMap()).saveTiff(inFolder(name));
      bytes.push(readFileSync(inFolder(name)), readFileSync(inFolder(`${name}.json`)));
    }
    expect(bytes[0]?.equals(bytes[2] as Buffer)).toBe(true);
    expect(bytes[1]?.equals(bytes[3] as Buffer)).toBe(true);
  });

  it('needs a resolution and a grid of sane size', () => {
    expect(() => new DensityMap({ width: 10, height: 10, mpp: null })).toThrow(/needs the resolution/);
    expect(() => new DensityMap(null as never)).toThrow(TypeError);
    const huge = { width: 200_000, height: 200_000, mpp: 0.25 };
    expect(() => new DensityMap(huge, { cellUm: 1 })).toThrow(/too many .*take cells of \d+ um or more/);
    expect(() => new DensityMap(oddSlide, { cellUm: 0 })).toThrow(RangeError);
    expect(() => new DensityMap(oddSlide, { classes: [{ name: '', color: [0, 0, 0] }] })).toThrow(RangeError);
    expect(() => new DensityMap(oddSlide, { region: { x: 1000, y: 0, width: 5, height: 5 } })).toThrow(/outside/);
  });

  it('refuses wrong arguments and stops when asked', async () => {
    const map = await oddMap();
    expect(colormaps).toEqual(['viridis', 'inferno', 'gray']);
    await expectArgumentError(map.add({} as never), TypeError, /expected a NucleusList/);
    await expectArgumentError(map.values({ type: 3 }), RangeError, /type: expected/);
    await expectArgumentError(new DensityMap(oddSlide).values({ type: 0 }), RangeError, /without classes/);
    await expectArgumentError(map.render({ smoothUm: -1 }), RangeError, /smoothUm/);
    await expectArgumentError(map.render({ max: 0 }), RangeError, /max/);
    await expectArgumentError(map.render({ colormap: 'jet' as never }), RangeError, /colormap/);
    await expectArgumentError(map.savePng(''), RangeError, /path/);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(map.savePng(inFolder('no.png'), { signal })).rejects.toThrow('enough');
    await expect(map.saveTiff(inFolder('no.tif'), { signal })).rejects.toThrow('enough');
    await expectCode(map.savePng(inFolder('missing/a.png')), 'HISTOJET_IO', /cannot write .*a\.png/);
    await expectCode(map.saveTiff(inFolder('missing/a.tif')), 'HISTOJET_IO');
    expect(['no.png', 'no.tif', 'no.png.part', 'no.png.json'].filter((name) => existsSync(inFolder(name)))).toEqual([]);
  });
});
