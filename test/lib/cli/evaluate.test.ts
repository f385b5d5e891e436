import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { fixture, temporaryFolder } from '../support.js';
import { caughtOutput } from './caught-output.js';

const folder = temporaryFolder();

const run = (...args: string[]) => caughtOutput(['evaluate', ...args]);

function write(name: string, value: unknown): string {
  const path = join(folder, name);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

type Pair = readonly [x: number, y: number];
const square = (x: number, side = 10): Pair[] => [
  [x, 0],
  [x + side, 0],
  [x + side, side],
  [x, side],
];

function geojson(nuclei: readonly (readonly [x: number, classification?: unknown])[]): unknown {
  const features = nuclei.map(([x, classification]) => ({
    type: 'Feature',
    geometry: { type: 'Polygon', coordinates: [[...square(x), [x, 0]]] },
    properties: { objectType: 'detection', classification },
  }));
  return { type: 'FeatureCollection', features };
}

/** Squares that cover the same pixels as those of geojson(), up to half a pixel on each side. */
function hoverNet(nuclei: readonly (readonly [x: number, type: number | null])[], mag: number | null = null): unknown {
  const nuc = Object.fromEntries(
    nuclei.map(([x, type], i) => [i + 1, { contour: square(x).map(([a, b]) => [a - 0.5, b - 0.5]), type }]),
  );
  return { mag, nuc };
}

const truth = write(
  'truth.geojson',
  geojson([
    [0, { name: 'Class 1' }],
    [100, { name: 'Class 1' }],
    [200, { name: 'Class 2' }],
  ]),
);
const prediction = write(
  'prediction.json.gz',
  hoverNet([
    [0, 1],
    [100, 2],
    [300, 10],
  ]),
);

test('prints the scores in the order of the reference', async () => {
  const { exitCode, stdout, stderr } = await run(truth, prediction);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout.trimEnd().split('\n')).toEqual([
    '  Dice    0.6667',
    '  AJI     0.5000',
    '  DQ      0.6667',
    '  SQ      1.0000',
    '  PQ      0.6667',
    '  AJI+    0.5000',
    '  nuclei  3 true, 3 predicted, 2 match',
  ]);
});

test('prints one JSON object', async () => {
  const { exitCode, stdout } = await run(truth, prediction, '--json');
  expect(exitCode).toBe(0);
  const report = JSON.parse(stdout) as Record<string, unknown>;
  expect(Object.keys(report)).toEqual([
    ...['truth', 'predicted', 'pixel', 'dice', 'aji', 'dq', 'sq', 'pq', 'ajiPlus'],
    ...['truthCount', 'predictedCount', 'matched'],
  ]);
  expect(report).toMatchObject({
    truth,
    predicted: prediction,
    pixel: 1,
    truthCount: 3,
    predictedCount: 3,
    matched: 2,
  });
});

test('compares classes by name', async () => {
  const { exitCode, stdout } = await run(truth, prediction, '--types');
  expect(exitCode).toBe(0);
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s{2,}/));
  expect(rows).toContainEqual(['class', 'truth', 'predicted', 'DQ', 'SQ', 'PQ', 'F1']);
  expect(rows).toContainEqual(['Class 1', '2', '1', '0.6667', '1.0000', '0.6667', '0.5000']);
  expect(rows).toContainEqual(['Class 2', '1', '1', '0.0000', '0.0000', '0.0000', '0.0000']);
  expect(rows).toContainEqual(['accuracy', '0.5000 of 2 pairs']);
  expect(rows).toContainEqual(['mean PQ', '0.3333']);
  expect(stdout.indexOf('Class 2')).toBeLessThan(stdout.indexOf('Class 10'));
  const { stdout: json } = await run(truth, prediction, '--types', '--json', '--radius-px', '3', '--pixel', '0.5');
  const report = JSON.parse(json) as { classification: { types: { name: string }[]; radiusPx: number } };
  expect(report.classification).toMatchObject({ radiusPx: 3, paired: 2, accuracy: 0.5, unpairedTruth: 1 });
  expect(report.classification.types.map(({ name }) => name)).toEqual(['Class 1', 'Class 2', 'Class 10']);
});

test('reads every way of naming a class', async () => {
  const names = write(
    'names.geojson.gz',
    geojson([[0, 'Tumor'], [100, { names: ['Tumor', 'Positive'] }], [200], [300, 7]]),
  );
  const { stdout } = await run(names, names, '--types', '--json');
  const { classification } = JSON.parse(stdout) as { classification: { types: object[]; accuracy: number } };
  expect(classification.accuracy).toBe(1);
  expect(classification.types).toMatchObject([
    { name: 'Tumor', truthCount: 1 },
    { name: 'Tumor: Positive', truthCount: 1 },
    { name: 'unclassified', truthCount: 2 },
  ]);
});

test('numbers take the names that are given, or those of the other file', async () => {
  const numbers = write(
    'numbers.json',
    hoverNet([
      [0, 1],
      [100, 2],
    ]),
  );
  const named = {
    ...(geojson([
      [0, 'Tumor'],
      [100, 'Stroma'],
    ]) as object),
  };
  const table = [{ name: 'none' }, { name: 'Tumor' }, { name: 'Stroma' }].map((one) => ({ ...one, color: [1, 2, 3] }));
  const withTable = write('table.geojson', { histojet: { classes: table }, ...named });
  const without = write('without.geojson', named);
  const namesOf = async (...args: string[]) => {
    const { stdout } = await run(...args, '--types', '--json');
    const { classification } = JSON.parse(stdout) as {
      classification: { accuracy: number; types: { name: string }[] };
    };
    return [classification.accuracy, ...classification.types.map(({ name }) => name)];
  };
  expect(await namesOf(withTable, numbers)).toEqual([1, 'Stroma', 'Tumor']);
  expect(await namesOf(numbers, withTable)).toEqual([1, 'Stroma', 'Tumor']);
  expect(await namesOf(without, numbers, '--classes', 'Tumor, Stroma')).toEqual([1, 'Stroma', 'Tumor']);
  expect(await namesOf(without, numbers)).toEqual([0, 'Class 1', 'Class 2', 'Stroma', 'Tumor']);
  expect((await run(without, numbers, '--classes', 'A,B')).stderr).toMatch(/--types/);
  expect((await run(without, numbers, '--types', '--classes', 'A,,B')).stderr).toMatch(/--classes/);
});

test('scales by magnification', async () => {
  const half = write('half.json', {
    mag: 20,
    nuc: { 1: { contour: square(50, 5).map(([x, y]) => [x - 0.5, y - 0.5]) } },
  });
  const full = write('full.geojson', geojson([[100]]));
  expect(JSON.parse((await run(full, half, '--magnification', '40', '--json')).stdout)).toMatchObject({
    matched: 1,
    dice: 1,
  });
  expect(JSON.parse((await run(full, half, '--json')).stdout)).toMatchObject({ matched: 0 });
  expect((await run(full, prediction, '--magnification', '40')).exitCode).toBe(3);
});

test('a file agrees with itself, and files without nuclei with each other', async () => {
  const path = fixture('nuclei/s128_hovernet.json');
  expect(JSON.parse((await run(path, path, '--types', '--json')).stdout)).toMatchObject({
    dice: 1,
    aji: 1,
    classification: { detectionF1: 1, accuracy: 1 },
  });
  const none = write('none.geojson', geojson([]));
  const empty = write('empty.json', hoverNet([]));
  expect(JSON.parse((await run(none, empty, '--types', '--json')).stdout)).toMatchObject({
    dice: 1,
    pq: 1,
    truthCount: 0,
  });
  expect(JSON.parse((await run(truth, empty, '--types', '--json')).stdout)).toMatchObject({ pq: 0, predictedCount: 0 });
});

const shared = join(import.meta.dirname, '../../../../shared/fixtures/hover');
test.skipIf(!existsSync(shared))('is near the scores of label maps (skipped: no shared fixtures)', async () => {
  const path = (name: string) => join(shared, name);
  const { stdout } = await run(path('s1024_hovernet.json.gz'), path('s1024_hoverfast_roi_p0.json.gz'), '--json');
  const report = JSON.parse(stdout) as { dice: number; dq: number };
  expect(report).toMatchObject({ truthCount: 332, predictedCount: 304 });
  // The label maps count border pixels, through whose centres these outlines run; HoverFast's are read half a pixel off.
  expect(Math.abs(report.dq - 0.871)).toBeLessThan(0.02);
  expect(Math.abs(report.dice - 0.977)).toBeLessThan(0.02);
});

test('ends with 3 on bad arguments and files', async () => {
  const untyped = write('untyped.geojson', geojson([[0]]));
  const cases: [string[], RegExp][] = [
    [[], /TRUTH is missing/],
    [[truth], /PREDICTION is missing/],
    [[truth, prediction, 'third.geojson'], /third\.geojson/],
    [[truth, prediction, '--pixel', '0'], /--pixel/],
    [[truth, prediction, '--radius-px', '5'], /--types/],
    [[truth, prediction, '--types', '--radius-px', '-5'], /radius-px/],
    [[truth, prediction, '--frobnicate'], /frobnicate/],
    [[truth, join(folder, 'missing.json')], /missing\.json/],
    [[truth, folder], /not a regular file/],
    [[truth, write('text.json', 'no nuclei')], /text\.json/],
    [[truth, untyped, '--types'], /untyped\.geojson tells no classes/],
    [[untyped, truth, '--types'], /untyped\.geojson tells no classes/],
    [
      [truth, write('hole.geojson', { type: 'Polygon', coordinates: [[[0, 0], [1], [2, 2], [0, 0]]] })],
      /feature 0 has a position/,
    ],
    [
      [
        truth,
        write('classes.geojson', geojson(Array.from({ length: 300 }, (_, i) => [20 * i, `class ${i}`] as const))),
      ],
      /more than 255 classes/,
    ],
  ];
  for (const [args, message] of cases) {
    const { exitCode, stdout, stderr } = await run(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
    expect(stderr).toMatch(message);
  }
});

test('geometries without rings are left out', async () => {
  const odd = write('odd.geojson', [
    { type: 'Feature', geometry: { type: 'Polygon', coordinates: null }, properties: null },
    { type: 'Feature', geometry: { type: 'MultiPolygon', coordinates: [5, []] }, properties: {} },
    { type: 'Feature', geometry: null, properties: {} },
    { type: 'Feature', geometry: { type: 'Point', coordinates: [1, 2] }, properties: {} },
  ]);
  expect(JSON.parse((await run(odd, odd, '--json')).stdout)).toMatchObject({ truthCount: 0, pq: 1 });
});
