import { expect, test } from 'vitest';
import { NucleusList } from '../../../lib/index.js';

const square = [
  [10, 20],
  [14, 20],
  [14, 26],
  [10, 26],
] as const;
const triangle = Float32Array.of(100_000, 200_000, 100_006, 200_000, 100_000, 200_003);

test('measures rings', () => {
  const list = NucleusList.fromContours([square, triangle], { types: [2, 1] });
  expect(list.length).toBe(2);
  expect(list.centroids).toEqual(Float32Array.of(12, 23, 100_002, 200_001));
  expect(list.boxes).toEqual(Float32Array.of(10, 20, 14, 26, 100_000, 200_000, 100_006, 200_003));
  expect(list.areas).toEqual(Float32Array.of(24, 9));
  expect(list.types).toEqual(Uint8Array.of(2, 1));
  expect(list.typeProbabilities).toBeNull();
  expect(list.labels).toBeNull();
  expect(list.labelIds).toBeNull();
  expect(list.contour(1)).toEqual(triangle);
  expect([...list].map(({ index, area, type }) => ({ index, area, type }))).toEqual([
    { index: 0, area: 24, type: 2 },
    { index: 1, area: 9, type: 1 },
  ]);
  expect(list.centroids).toBe(list.centroids); // made once
});

test('drops closing points and takes flat numbers, whatever the direction', () => {
  const closed = [...square, square[0]];
  const flat = square.toReversed().flat();
  const list = NucleusList.fromContours([closed, flat]);
  expect(list.contour(0).length).toBe(8);
  expect(list.areas).toEqual(Float32Array.of(24, 24));
  expect(list.types).toBeNull();
  expect(list.at(1).type).toBeNull();
});

test('joins lists', () => {
  const empty = NucleusList.fromContours([]);
  const a = NucleusList.fromContours([square]);
  const b = NucleusList.fromContours([triangle, square]);
  const joined = NucleusList.concat([empty, a, b]);
  expect(joined.areas).toEqual(Float32Array.of(24, 9, 24));
  expect(joined.contour(2)).toEqual(Float32Array.from(square.flat()));
  expect(NucleusList.concat([]).length).toBe(0);
  const typed = NucleusList.fromContours([square], { types: [1] });
  expect(() => NucleusList.concat([a, typed])).toThrow(expect.objectContaining({ code: 'HISTOJET_INVALID_ARGUMENT' }));
  expect(() => NucleusList.concat([{} as never])).toThrow(/^lists\[0\]: expected a NucleusList, got a Object/);
});

test('refuses rings that are none', () => {
  expect(() => NucleusList.fromContours([[1, 2, 3, 4]])).toThrow(/^contours\[0\]: expected at least 3 points/);
  expect(() => NucleusList.fromContours([square, [1, 2, 3, 4, 5, 6, 7]])).toThrow(/^contours\[1\]: .*odd/);
  expect(() => NucleusList.fromContours(5 as never)).toThrow(TypeError);
  expect(() => NucleusList.fromContours([square], { types: [1, 2] })).toThrow(/expected 1 types, got 2/);
  expect(() => NucleusList.fromContours([square]).contour(1)).toThrow(RangeError);
});
