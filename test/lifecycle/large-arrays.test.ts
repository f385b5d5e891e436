import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import {
  encodePng,
  HoverFast,
  hoverPostprocess,
  type Image,
  NucleusList,
  renderOverlay,
  Slide,
  scoreLabels,
  selectiveScan,
  Tensor,
} from '../../lib/index.js';
import { native } from '../../lib/native.js';
import { expectCode, expectSameBytes, pattern, temporaryFolder } from '../lib/support.js';
import { weights } from './programs.js';

const folder = temporaryFolder();
const pieceBytes = 2 ** 20;
const nothing = NucleusList.fromContours([]);

afterEach(() => vi.restoreAllMocks());

/** A picture of about 3.5 pieces, of odd sides. */
const large = (): Image => pattern(1237, 983);

/** Maps with two discs, the first 700 rows above the second: no piece holds both. */
function maps() {
  const [height, width] = [811, 617];
  const np = new Float32Array(height * width);
  const hv = new Float32Array(2 * height * width);
  for (const [x, y] of [
    [40, 30],
    [500, 730],
  ] as const) {
    for (let dy = -12; dy <= 12; ++dy) {
      for (let dx = -12; dx <= 12; ++dx) {
        if (Math.hypot(dx, dy) > 12) continue;
        const i = (y + dy) * width + x + dx;
        np[i] = 1;
        hv[i] = dx / 12;
        hv[height * width + i] = dy / 12;
      }
    }
  }
  return { np: { data: np, shape: [height, width] }, hv: { data: hv, shape: [2, height, width] } };
}

const tensorOf = ({ data, shape }: { data: Float32Array; shape: number[] }): Tensor => Tensor.from(data, shape);

test('pieces are copied in turns of the event loop', async () => {
  let turn = 0;
  const turns: number[] = [];
  const count = (): void => {
    ++turn;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  const append = native.copyAppend;
  const sizes: number[] = [];
  vi.spyOn(native, 'copyAppend').mockImplementation((copy, piece) => {
    turns.push(turn);
    sizes.push(piece.byteLength);
    append(copy, piece);
  });
  const image = large();
  const drawn = await Promise.all([renderOverlay(image, nothing), renderOverlay(image, nothing)]);
  clearImmediate(timer);
  for (const { data } of drawn) expectSameBytes(data, image.data);
  const pieces = [pieceBytes, pieceBytes, pieceBytes, image.data.length - 3 * pieceBytes];
  expect(sizes.sort()).toEqual([...pieces, ...pieces].sort());
  expect(new Set(turns).size).toBe(8); // calls at the same time take turns
});

test('small pictures among large ones are those of the call', async () => {
  const model = await HoverFast.load(weights);
  const picture = { ...large(), height: 64, data: large().data.subarray(0, 1237 * 64 * 3) };
  const expected = await (await model.predict(picture)).np.data();
  const copied = { ...picture, data: picture.data.slice() };
  const running = model.predict(copied);
  copied.data.fill(0);
  expectSameBytes(await (await running).np.data(), expected);
});

test('results are those of tensors, of any mixture', async () => {
  const { np, hv } = maps();
  const expected = await hoverPostprocess({ np: tensorOf(np), hv: tensorOf(hv) }, { variant: 'hovernet' });
  expect(expected.length).toBe(2);
  for (const given of [
    { np, hv },
    { np: tensorOf(np), hv },
    { np, hv: tensorOf(hv) },
  ]) {
    const nuclei = await hoverPostprocess(given, { variant: 'hovernet' });
    expectSameBytes(nuclei.labels as Int32Array, expected.labels as Int32Array);
    expectSameBytes(nuclei.centroids, expected.centroids);
  }
  const labels = expected.labels as Int32Array;
  const scores = await scoreLabels(labels, labels.slice(), { width: 617, height: 811 });
  expect(scores).toMatchObject({ dice: 1, truthCount: 2, matched: 2 });
});

test('tensors and models may be closed while arrays are copied', async () => {
  const { np, hv } = maps();
  const tensor = tensorOf(np);
  const running = hoverPostprocess({ np: tensor, hv }, { variant: 'hovernet' });
  await tensor.close();
  expect((await running).length).toBe(2);
  await expectCode(hoverPostprocess({ np: tensor, hv }), 'HISTOJET_DISPOSED');
  const model = await HoverFast.load(weights);
  const image = pattern(1025, 352);
  const expected = await (await model.predict(image)).np.data();
  const predicted = model.predict(image);
  await model.close();
  expectSameBytes(await (await predicted).np.data(), expected);
  await expectCode(model.predict(image), 'HISTOJET_DISPOSED');
});

test('an array that is transferred while it is copied is an error', async () => {
  const image = large();
  const running = encodePng(image);
  structuredClone(image.data, { transfer: [image.data.buffer as ArrayBuffer] });
  await expectCode(running, 'HISTOJET_INVALID_ARGUMENT', /image\.data: expected 3647913 bytes, got 0 \(was it/);
  const { np, hv } = maps();
  const processed = hoverPostprocess({ np, hv });
  structuredClone(hv.data, { transfer: [hv.data.buffer as ArrayBuffer] });
  await expectCode(processed, 'HISTOJET_INVALID_ARGUMENT', /hv: expected 4003096 bytes, got 0/);
});

test('wrong shapes are told before anything is copied', async () => {
  const copy = vi.spyOn(native, 'copyOpenTensor');
  const { np, hv } = maps();
  const wrong = { data: hv.data, shape: [2, 811, 618] };
  await expectCode(hoverPostprocess({ np, hv: wrong }), 'HISTOJET_SHAPE_MISMATCH', /needs 1002396 values/);
  expect(copy).not.toHaveBeenCalled();
  await expectCode(
    hoverPostprocess({ np: hv, hv: np } as never),
    'HISTOJET_SHAPE_MISMATCH',
    /np has shape \[2, 811, 617\], expected \[height, width\]/,
  );
});

test('a call that is stopped while arrays are copied rejects with the reason', async () => {
  const controller = new AbortController();
  const running = encodePng(large(), { signal: controller.signal });
  setImmediate(() => controller.abort(new Error('enough')));
  await expect(running).rejects.toThrow('enough');
});

test('scans and new slides take large arrays', async () => {
  const [channels, length] = [4, 70_001];
  const values = (shape: number[], scale: number) => {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => scale * Math.sin(i));
    return { data, shape };
  };
  const input = {
    u: values([1, channels, length], 1),
    delta: values([1, channels, length], 0.5),
    A: { data: new Float32Array(channels * 2).fill(-1), shape: [channels, 2] },
    B: values([1, 2, length], 0.3),
    C: values([1, 2, length], 0.7),
  };
  const tensors = Object.fromEntries(Object.entries(input).map(([name, value]) => [name, tensorOf(value)]));
  const options = { deltaSoftplus: true } as const;
  const { y } = await selectiveScan({ ...input, ...options });
  const { y: expected } = await selectiveScan({ ...(tensors as typeof input), ...options });
  expectSameBytes(await y.data(), await expected.data());
  const path = join(folder, 'map.tif');
  const { data, width, height } = large();
  await Slide.create(path, { data, width, height, channels: 3 }, { compression: 'deflate' });
  await using slide = await Slide.open(path);
  expectSameBytes((await slide.readRegion({ x: 0, y: 0, width, height })).data, data);
});
