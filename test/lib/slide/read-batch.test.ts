import { afterAll, beforeAll, expect, test } from 'vitest';
import { Slide } from '../../../lib/index.js';
import { expectArgumentError, expectSameBytes, smallSlide, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
const positions = [
  { x: 0, y: 0 },
  { x: 301, y: 77 },
  { x: 1030, y: 320 },
];
const window = { width: 61, height: 33 };
let slide: Slide;

beforeAll(async () => {
  const { path } = await smallSlide(folder);
  slide = await Slide.open(path);
});
afterAll(() => slide.close());

test('a batch holds what single reads give', async () => {
  const batch = await slide.readBatch({ positions, ...window });
  expect(batch.shape).toEqual([3, 33, 61, 3]);
  expect(batch.dtype).toBe('u8');
  const data = (await batch.data()) as Uint8Array;
  for (const [i, position] of positions.entries()) {
    const { data: alone } = await slide.readRegion({ ...position, ...window });
    expectSameBytes(data.subarray(i * alone.length, (i + 1) * alone.length), alone);
  }
});

test('planar, normalised and at any resolution', async () => {
  const mean: [number, number, number] = [0.5, 0.25, 0.125];
  const std: [number, number, number] = [0.25, 0.5, 2];
  const request = { positions, ...window, mpp: 0.7, layout: 'nchw', normalize: { mean, std } } as const;
  const batch = await slide.readBatch(request);
  expect(batch.shape).toEqual([3, 3, 33, 61]);
  expect(batch.dtype).toBe('f32');
  const data = (await batch.data()) as Float32Array;
  const { data: alone } = await slide.readAt({ x: 301, y: 77, ...window, mpp: 0.7 });
  const pixels = 61 * 33;
  for (const i of [0, 1, 500, pixels - 1]) {
    for (const c of [0, 1, 2] as const) {
      const expected = ((alone[3 * i + c] ?? 0) / 255 - mean[c]) / std[c];
      expect(data[(3 + c) * pixels + i]).toBeCloseTo(expected, 5);
    }
  }
});

test('wrong arguments say what was expected', async () => {
  const read = (request: object) => slide.readBatch({ positions, ...window, ...request });
  await expectArgumentError(read({ positions: [] }), RangeError, /at least one position/);
  await expectArgumentError(read({ positions: [{ x: 0 }] }), TypeError, /positions\[0\].y/);
  await expectArgumentError(read({ mpp: 1, level: 0 }), TypeError, /one of the two/);
  await expectArgumentError(read({ normalize: { mean: [0, 0], std: [1, 1, 1] } }), TypeError, /normalize.mean/);
  await expectArgumentError(read({ width: 0 }), RangeError, /width/);
});
