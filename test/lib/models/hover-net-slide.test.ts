import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import {
  createWriter,
  HoverNet,
  hoverPostprocess,
  NucleusList,
  NucleusWriter,
  Slide,
  synthesizeSlide,
  type TypedArray,
} from '../../../lib/index.js';
import { caughtOutput } from '../cli/caught-output.js';
import { temporaryFolder } from '../support.js';
import { writeHoverNet } from './hover-net-weights.js';

// A window of a slide has 1.3 megapixels, which a HoVer-Net of its real size takes seconds for, and a minute or more
// without matrix instructions: hence one window, and the command line's run serves all tests.
const timeout = 900_000;
const folder = temporaryFolder();
const weights = join(folder, 'hovernet.safetensors');
const typeInfo = { 0: ['nolabe', [0, 0, 0]], 1: ['neopla', [255, 0, 0]], 2: ['inflam', [0, 255, 0]] };
const path = join(folder, 'slide.tif');
/** The slide's only post-processing window begins 64 px outside of it. */
const windowPx = 1152;
const contextPx = 64;
const tileSize = 608;
/** Maps of meaningless weights have no centres of nuclei, which HoVer-Net's own procedure needs. */
const variant = 'hoverfast';
let model: HoverNet;

/** The class of each nucleus of a GeoJSON file. */
async function classNames(file: string): Promise<string[]> {
  const { features } = JSON.parse(await readFile(file, 'utf8')) as {
    features: { properties: { classification: { name: string } } }[];
  };
  return features.map(({ properties }) => properties.classification.name);
}

interface PlainMaps {
  readonly np: Float32Array;
  readonly hv: Float32Array;
  readonly tp: Uint8Array;
}

/** Copies a square of one map into another. */
function place(from: TypedArray, fromSide: number, corner: number, to: TypedArray, left: number, top: number): void {
  const [quarter, planes] = [windowPx / 2, from.length / fromSide ** 2];
  for (let row = 0; row < planes * quarter; ++row) {
    const [plane, y] = [Math.floor(row / quarter), row % quarter];
    const begin = (plane * fromSide + corner + y) * fromSide + corner;
    to.set(from.subarray(begin, begin + quarter) as never, (plane * windowPx + top + y) * windowPx + left);
  }
}

/**
 * The window's maps from four patches that are not the slide's tiles, and lie elsewhere. What sees their borders, 114 px
 * of each picture, is cut off; patches begin at multiples of 8 px of the window, as the pooling grid does.
 */
async function mapsByHand(): Promise<PlainMaps> {
  const [rim, patchSize] = [114, 896];
  const pixels = windowPx ** 2;
  const maps = { np: new Float32Array(pixels), hv: new Float32Array(2 * pixels), tp: new Uint8Array(pixels) };
  await using slide = await Slide.open(path);
  const side = windowPx / 2 + 2 * rim;
  for (const top of [0, windowPx / 2]) {
    for (const left of [0, windowPx / 2]) {
      const corner = { x: left - contextPx - rim, y: top - contextPx - rim };
      const picture = await slide.readRegion({ ...corner, width: side, height: side });
      const { np, hv, tp } = await model.predict(picture, { patchSize });
      for (const [from, to] of [[np, maps.np] as const, [hv, maps.hv] as const, [tp, maps.tp] as const]) {
        if (from) place(await from.data(), side, rim, to, left, top);
      }
    }
  }
  return maps;
}

beforeAll(async () => {
  writeHoverNet(weights, { mode: 'fast', nr_types: '3', mpp: '0.25', type_info: JSON.stringify(typeInfo) }, 3);
  await synthesizeSlide(path, { width: 800, height: 600, seed: 7, tissue: 0.8 });
  model = await HoverNet.load(weights, { precision: 'fast' });
});

describe('a slide with classes', () => {
  const output = join(folder, 'command-line.geojson');
  let found: NucleusList;
  let log = '';

  beforeAll(async () => {
    const write = vi.spyOn(NucleusWriter.prototype, 'write');
    const args = ['nuclei', path, '-m', weights, '-o', output, '--no-tissue', '--variant', variant];
    const small = ['--min-area-um2', '0.25'];
    const speed = ['--precision', 'fast', '--tile-size', String(tileSize), '--progress', 'json'];
    const { exitCode, stderr } = await caughtOutput([...args, ...small, ...speed]);
    expect(exitCode).toBe(0);
    log = stderr;
    // What segmentSlide gave, as the command handed it on.
    found = NucleusList.concat(write.mock.calls.map(([batch]) => batch));
    write.mockRestore();
  }, timeout);

  test('gives a class and its share for every nucleus', () => {
    expect(found.length).toBeGreaterThan(0);
    expect(found.types).toHaveLength(found.length);
    expect(found.typeProbabilities).toHaveLength(found.length);
    expect(found.types?.every((type) => type < 3)).toBe(true);
    expect(found.typeProbabilities?.every((share) => share > 0 && share <= 1)).toBe(true);
  });

  test('is the same as prediction in other tiles and post-processing by hand', { timeout }, async () => {
    const { np, hv, tp } = await mapsByHand();
    const shape = [windowPx, windowPx];
    const byHand = await hoverPostprocess(
      { np: { data: np, shape }, hv: { data: hv, shape: [2, ...shape] }, tp: { data: tp, shape } },
      { variant, minArea: { px: 4 } },
    );
    // The window's core is the slide's; what is found in the 64 px around it belongs to no window.
    const core = (value: number): boolean => value >= contextPx && value < contextPx + 1024;
    const expected = [...byHand].filter(({ centroid: [x, y] }) => core(x) && core(y));
    expect(found.length).toBe(expected.length);
    expect([...found].map(({ type, typeProbability }) => [type, typeProbability])).toEqual(
      expected.map(({ type, typeProbability }) => [type, typeProbability]),
    );
    for (const [i, { centroid, contour }] of expected.entries()) {
      const nucleus = found.at(i);
      expect(nucleus.centroid[0]).toBeCloseTo(centroid[0] - contextPx, 2);
      expect(nucleus.centroid[1]).toBeCloseTo(centroid[1] - contextPx, 2);
      expect(nucleus.contour.length).toBe(contour.length);
    }
  });

  test('comes out of the command line with the names of the classes and their counts', async () => {
    const names = await classNames(output);
    expect(names).toEqual(Array.from(found.types ?? [], (type) => typeInfo[type as 0 | 1 | 2][0]));
    const counts: Record<string, number> = { neopla: 0, inflam: 0 };
    for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
    const { result } = JSON.parse(log.trim().split('\n').at(-1) ?? '') as { result: unknown };
    expect(result).toMatchObject({ nuclei: found.length, classes: counts });
  });

  test('writers take the classes of the model unless others are given', async () => {
    const file = join(folder, 'renamed.geojson');
    const classes = ['zero', 'one', 'two'].map((name) => ({ name, color: [1, 2, 3] as const }));
    const writer = await createWriter(file, { model, classes });
    await writer.write(found);
    await writer.close();
    expect(await classNames(file)).toEqual(Array.from(found.types ?? [], (type) => classes[type]?.name));
  });
});

test('a tile size that is no number of pixels is refused', async () => {
  await using slide = await Slide.open(path);
  expect(() => model.segmentSlide(slide, { tileSize: 255 })).toThrow(RangeError);
  expect(() => model.segmentSlide(slide, { tileSize: 300.5 })).toThrow(/tileSize/);
});
