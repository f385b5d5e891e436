import { expect, test } from 'vitest';
import { NucleusList, scoreNucleusTypes } from '../../../lib/index.js';
import { expectArgumentError, expectCode } from '../support.js';

const square = (x: number, y = 0, side = 10): number[] => [x, y, x + side, y, x + side, y + side, x, y + side];
const list = (...nuclei: [x: number, type: number][]): NucleusList =>
  NucleusList.fromContours(
    nuclei.map(([x]) => square(x)),
    { types: nuclei.map(([, type]) => type) },
  );

test('types found, mistaken, missed and invented', async () => {
  const truth = list([0, 1], [100, 1], [200, 2]);
  const predicted = list([0, 1], [100, 2], [300, 5]);
  const scores = await scoreNucleusTypes(truth, predicted);
  expect(scores).toMatchObject({ paired: 2, unpairedTruth: 1, unpairedPredicted: 1, accuracy: 0.5, greedilyPaired: 0 });
  expect(scores.detectionF1).toBeCloseTo(4 / 6, 12);
  expect(scores.types.map(({ type }) => type)).toEqual([1, 2, 5]);
  const [one, two, five] = scores.types;
  expect(one).toMatchObject({ agreeing: 1, onlyTruth: 1, onlyPredicted: 0, unpairedTruth: 0, truthCount: 2 });
  expect(one?.f1).toBeCloseTo(2 / 4, 12);
  expect(one?.dq).toBeCloseTo(1 / 1.5, 12);
  expect(two).toMatchObject({ agreeing: 0, onlyPredicted: 1, unpairedTruth: 1, f1: 0, pq: 0 });
  expect(five).toMatchObject({ unpairedPredicted: 1, truthCount: 0, predictedCount: 1, f1: 0 });
  expect(scores.meanDq).toBeCloseTo(1 / 1.5 / 2, 12); // type 5 is not in the truth
});

test('the radius decides what is a pair', async () => {
  const truth = list([0, 1]);
  const predicted = list([12, 1]);
  expect((await scoreNucleusTypes(truth, predicted)).paired).toBe(1);
  expect((await scoreNucleusTypes(truth, predicted, { radius: 11.9 })).paired).toBe(0);
  expect((await scoreNucleusTypes(truth, truth, { pixel: 0.5 })).meanPq).toBeCloseTo(1, 5);
});

test('arguments are checked', async () => {
  const typed = list([0, 1]);
  const untyped = NucleusList.fromContours([square(0)]);
  await expectCode(scoreNucleusTypes(untyped, typed), 'HISTOJET_INVALID_ARGUMENT', /truth has no types/);
  await expectCode(scoreNucleusTypes(typed, untyped), 'HISTOJET_INVALID_ARGUMENT', /prediction has no types/);
  await expectArgumentError(scoreNucleusTypes([] as never, typed), TypeError, /^truth: expected a NucleusList/);
  await expectArgumentError(scoreNucleusTypes(typed, typed, { radius: 0 }), RangeError, /^radius/);
  await expectArgumentError(scoreNucleusTypes(typed, typed, { pixel: -1 }), RangeError, /^pixel/);
  const reason = new Error('enough');
  await expect(scoreNucleusTypes(typed, typed, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
