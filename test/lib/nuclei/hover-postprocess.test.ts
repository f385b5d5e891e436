import { expect, test } from 'vitest';
import { hoverPostprocess, NucleusList, scoreLabels, scoreNuclei, Tensor } from '../../../lib/index.js';
import { expectArgumentError, expectCode, expectSameBytes } from '../support.js';

const width = 96;
const height = 64;
const discs = [
  { x: 20, y: 20, radius: 10 },
  { x: 38, y: 22, radius: 10 }, // touches the first
  { x: 75, y: 44, radius: 12 },
];

/** Maps as a perfect network gives them: each disc with its horizontal and vertical ramps. */
function maps(): { np: Float32Array; hv: Float32Array; truth: Int32Array } {
  const np = new Float32Array(width * height);
  const hv = new Float32Array(2 * width * height);
  const truth = new Int32Array(width * height);
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) {
      const distances = discs.map((disc) => Math.hypot(x + 0.5 - disc.x, y + 0.5 - disc.y) / disc.radius);
      const nearest = distances.indexOf(Math.min(...distances));
      const disc = discs[nearest];
      if (disc === undefined || (distances[nearest] ?? 2) > 1) continue;
      const i = y * width + x;
      np[i] = 1;
      truth[i] = nearest + 1;
      hv[i] = (x + 0.5 - disc.x) / disc.radius;
      hv[width * height + i] = (y + 0.5 - disc.y) / disc.radius;
    }
  }
  return { np, hv, truth };
}

const { np, hv, truth } = maps();
const plain = { np: { data: np, shape: [height, width] }, hv: { data: hv, shape: [2, height, width] } };

test.each(['hovernet', 'hoverfast'] as const)('%s separates touching discs', async (variant) => {
  const nuclei = await hoverPostprocess(plain, { variant });
  expect(nuclei.length).toBe(3);
  const { labels } = nuclei;
  expect(labels?.shape).toEqual([height, width]);
  expect(nuclei.labelIds).toEqual(Int32Array.of(1, 2, 3));
  const scores = await scoreLabels(truth, labels as Int32Array, { width, height });
  expect(scores.pq).toBeGreaterThan(0.85);
  expect(scores).toMatchObject({ truthCount: 3, predictedCount: 3, matched: 3, dq: 1 });
  for (const { centroid, contour } of nuclei) {
    expect(discs.some(({ x, y }) => Math.hypot(x - centroid[0], y - centroid[1]) < 1.5)).toBe(true);
    expect(contour.length).toBeGreaterThan(8);
  }
  const again = await hoverPostprocess(plain, { variant });
  expectSameBytes(again.labels as Int32Array, labels as Int32Array);
});

test('takes tensors and classes', async () => {
  const tp = Uint8Array.from(truth, (label) => (label === 0 ? 0 : label === 3 ? 2 : 1));
  const nuclei = await hoverPostprocess({
    np: Tensor.from(np, [height, width]),
    hv: Tensor.from(hv, [2, height, width]),
    tp: { data: tp, shape: [height, width] },
  });
  expect([...(nuclei.types ?? [])].sort()).toEqual([1, 1, 2]);
  expect(nuclei.typeProbabilities?.every((share) => share > 0.9)).toBe(true);
});

test('minArea drops small nuclei', async () => {
  expect((await hoverPostprocess(plain, { minArea: { px: 400 } })).length).toBe(1);
  await expectArgumentError(hoverPostprocess(plain, { minArea: { um2: 5 } as never }), TypeError, /maps have no mpp/);
  await expectArgumentError(hoverPostprocess(plain, { minArea: {} as never }), TypeError, /either \{ px \} or/);
  await expectArgumentError(
    hoverPostprocess(plain, { variant: 'x' as never }),
    RangeError,
    /'hovernet' or 'hoverfast'/,
  );
});

test('shapes must fit', async () => {
  const wrong = { ...plain, hv: { data: hv, shape: [height, width, 2] } };
  await expectCode(
    hoverPostprocess(wrong),
    'HISTOJET_SHAPE_MISMATCH',
    /^hv has shape \[64, 96, 2\], expected \[2, 64, 96\]/,
  );
  const deep = { ...plain, np: { data: np, shape: [1, height, width] } };
  await expectCode(hoverPostprocess(deep), 'HISTOJET_SHAPE_MISMATCH', /expected \[height, width\]/);
  await expectArgumentError(hoverPostprocess({ np: plain.np } as never), TypeError, /^hv: expected a Tensor or/);
});

test('outlines score against themselves and against nothing', async () => {
  const nuclei = await hoverPostprocess(plain);
  const same = await scoreNuclei(nuclei, nuclei);
  expect(same).toMatchObject({ dq: 1, dice: 1, matched: 3 });
  expect(same.pq).toBeCloseTo(1, 5); // the reference adds 1e-6 to its denominators
  const none = NucleusList.fromContours([]);
  expect(await scoreNuclei(nuclei, none)).toMatchObject({ pq: 0, matched: 0, predictedCount: 0 });
  await expectArgumentError(scoreNuclei([] as never, none), TypeError, /^truth: expected a NucleusList/);
  await expectCode(
    scoreLabels(truth, new Int32Array(3), { width, height }),
    'HISTOJET_SHAPE_MISMATCH',
    /^predicted holds 3 labels/,
  );
});

test('an aborted signal rejects with its reason', async () => {
  const reason = new Error('enough');
  await expect(hoverPostprocess(plain, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
