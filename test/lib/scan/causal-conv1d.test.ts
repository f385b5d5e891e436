import { expect, test } from 'vitest';
import { type CausalConv1dInput, causalConv1d, type TensorData } from '../../../lib/index.js';
import { made } from '../safetensors.js';
import { expectArgumentError, expectCode, expectSameBytes } from '../support.js';
import { floats } from './scan-fixtures.js';

const batch = 2;
const channels = 67;
const length = 530;

/** By the formula, in double precision; [batch, channels, length]. */
function expected(x: Float32Array, weight: Float32Array, bias: Float32Array | undefined, taps: number): Float64Array {
  return Float64Array.from(x, (_, i) => {
    const t = i % length;
    const c = Math.floor(i / length) % channels;
    let sum = bias?.[c] ?? 0;
    for (let k = 0; k < taps; ++k) {
      const before = taps - 1 - k;
      if (t >= before) sum += (weight[c * taps + k] ?? 0) * (x[i - before] ?? 0);
    }
    return sum;
  });
}

/** [batch, a, b] as [batch, b, a]. */
function turned({ data, shape }: TensorData): { data: Float32Array; shape: number[] } {
  const [items = 0, rows = 0, columns = 0] = shape;
  const turnedData = new Float32Array(data.length);
  for (let i = 0; i < data.length; ++i) {
    const item = Math.floor(i / (rows * columns));
    const row = Math.floor(i / columns) % rows;
    turnedData[(item * columns + (i % columns)) * rows + row] = Number(data[i]);
  }
  return { data: turnedData, shape: [items, columns, rows] };
}

/** Steps [from, to) of [batch, channels, length]. */
function steps({ data, shape }: TensorData, from: number, to: number): TensorData {
  const rows = data.length / length;
  const parts = Array.from({ length: rows }, (_, r) => [...data.slice(r * length + from, r * length + to)].map(Number));
  return { data: Float32Array.from(parts.flat()), shape: [...shape.slice(0, 2), to - from] };
}

const x = made([batch, channels, length], 1, 2);
const bias = made([channels], 2, 0.5);

test.each([1, 2, 3, 4])('is the formula with %i taps, in both layouts', async (taps) => {
  const weight = made([channels, taps], 3, 1);
  const exact = expected(x.data, weight.data, bias.data, taps);
  const { y } = await causalConv1d({ x, weight, bias });
  const values = await floats(y);
  expect(y.shape).toEqual(x.shape);
  expect(Math.max(...values.map((value, i) => Math.abs(value - (exact[i] ?? 0))))).toBeLessThan(2e-6);
  const stored = { data: weight.data, shape: [channels, 1, taps] };
  const last = await causalConv1d({ x: turned(x), weight: stored, bias, layout: 'bld', threads: 1 });
  expectSameBytes(await floats(last.y), turned({ data: values, shape: x.shape }).data);
});

test('SiLU follows, and the bias may be missing', async () => {
  const weight = made([channels, 4], 4, 1);
  const exact = expected(x.data, weight.data, undefined, 4);
  const values = await floats((await causalConv1d({ x, weight, activation: 'silu' })).y);
  const worst = values.map((value, i) => Math.abs(value - (exact[i] ?? 0) / (1 + Math.exp(-(exact[i] ?? 0)))));
  expect(Math.max(...worst)).toBeLessThan(3e-6);
});

test.each([1, 3, 4])('pieces that hand on their state are the bits of the whole, %i taps', async (taps) => {
  const weight = made([channels, taps], 5, 1);
  const whole = await causalConv1d({ x, weight, bias, returnLastState: true });
  let initialState: CausalConv1dInput['initialState'];
  const borders = [0, 1, 2, 258, 258, length];
  for (let i = 0; i + 1 < borders.length; ++i) {
    const [from = 0, to = 0] = borders.slice(i, i + 2);
    const part = await causalConv1d({ x: steps(x, from, to), weight, bias, initialState, returnLastState: true });
    const of = steps({ data: await floats(whole.y), shape: x.shape }, from, to);
    expectSameBytes(await floats(part.y), of.data as Float32Array);
    initialState = part.lastState;
    expect(part.lastState?.shape).toEqual([batch, channels, taps - 1]);
    if (to === length) expectSameBytes(await floats(part.lastState), await floats(whole.lastState));
  }
});

test('wrong tensors and options are refused', async () => {
  const weight = made([channels, 4], 4, 1);
  const refused = async (change: Partial<CausalConv1dInput>, message: RegExp): Promise<void> =>
    expectCode(causalConv1d({ x, weight, ...change }), 'HISTOJET_SHAPE_MISMATCH', message);
  await refused({ x: made([3, 4], 1, 1) }, /^x has shape \[3, 4\], expected \[batch, channels, length\]/);
  await refused({ weight: made([channels, 5], 1, 1) }, /^weight has shape \[67, 5\].*1 to 4 taps/);
  await refused({ weight: made([channels + 1, 4], 1, 1) }, /^weight has shape/);
  await refused({ bias: made([1], 1, 1) }, /^bias has shape/);
  await refused({ initialState: made([batch, channels, 4], 1, 1) }, /^initialState has shape.*\[2, 67, 3\]/);
  await expectArgumentError(causalConv1d(null as never), TypeError, /input/);
  await expectArgumentError(causalConv1d({ x, weight, activation: 'relu' as never }), RangeError, /activation/);
  const integers = { data: new Int32Array(4), shape: [1, 1, 4] };
  await expectCode(causalConv1d({ x: integers, weight }), 'HISTOJET_INVALID_ARGUMENT', /x holds/);
  const reason = new Error('enough');
  await expect(causalConv1d({ x, weight, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const empty = await causalConv1d({ x: made([batch, channels, 0], 1, 1), weight, returnLastState: true });
  expect(empty.y.shape).toEqual([batch, channels, 0]);
  expect(await floats(empty.lastState)).toEqual(new Float32Array(batch * channels * 3));
});
