import { expect, test } from 'vitest';
import { type SsdScanInput, ssdScan, Tensor, type TensorData } from '../../../lib/index.js';
import { expectArgumentError, expectCode, expectSameBytes } from '../support.js';
import { expectClose, floats, tensorsOf } from './scan-fixtures.js';

const { x, dt, A, B, C, initial_state: initialState, y, final_state: finalState } = tensorsOf('mamba2_ssd');
if (!x || !dt || !A || !B || !C || !initialState || !y || !finalState) throw new Error('a tensor is missing');
const input: SsdScanInput = { x, dt, A, B, C, initialState, returnLastState: true };

/** Steps [from, to) of a tensor of one batch item. */
function steps({ data, shape }: TensorData, from: number, to: number): TensorData {
  const [batch = 1, , ...rest] = shape;
  const row = rest.reduce((a, b) => a * b, 1);
  return { data: (data as Float32Array).slice(from * row, to * row), shape: [batch, to - from, ...rest] };
}

test('gives the exact values', async () => {
  const found = await ssdScan(input);
  expect(found.y.shape).toEqual(x.shape);
  expectClose(await floats(found.y), y);
  expectClose(await floats(found.lastState), finalState);
});

test('pieces, threads and forms of B and C change no bit', async () => {
  const whole = await ssdScan(input);
  const expected = await floats(whole.y);
  for (const threads of [1, 2, 3]) expectSameBytes(await floats((await ssdScan({ ...input, threads })).y), expected);
  const first = await ssdScan({ ...input, ...pieces(0, 23) });
  const second = await ssdScan({ ...input, ...pieces(23, 64), initialState: first.lastState });
  const joined = Float32Array.of(...(await floats(first.y)), ...(await floats(second.y)));
  expectSameBytes(joined, expected);
  expectSameBytes(await floats(second.lastState), await floats(whole.lastState));
  const oneGroup = ({ data }: TensorData): Tensor => Tensor.from(data, [1, 64, 16]);
  const same = await ssdScan({ ...input, B: oneGroup(B), C: oneGroup(C), returnLastState: false });
  expectSameBytes(await floats(same.y), expected);
  expect(same.lastState).toBeUndefined();

  function pieces(from: number, to: number) {
    const part = (tensor: TensorData): TensorData => steps(tensor, from, to);
    return { x: part(x as TensorData), dt: part(dt as TensorData), B: part(B as TensorData), C: part(C as TensorData) };
  }
});

test('bias, softplus and skip are those of the formula', async () => {
  const one = (values: number[], shape: number[]): TensorData => ({ data: Float32Array.from(values), shape });
  const found = await ssdScan({
    x: one([2, -3], [1, 2, 1, 1]),
    dt: one([0.5, -1], [1, 2, 1]),
    A: one([-0.7], [1]),
    B: one([1.5, 0.25], [1, 2, 1]),
    C: one([0.8, -2], [1, 2, 1]),
    D: one([0.3], [1]),
    dtBias: one([0.2], [1]),
    dtSoftplus: true,
  });
  const softplus = (value: number): number => Math.log1p(Math.exp(value));
  const state = softplus(0.7) * 2 * 1.5;
  const next = Math.exp(-0.7 * softplus(-0.8)) * state + softplus(-0.8) * -3 * 0.25;
  const [y0, y1] = await floats(found.y);
  expect(y0).toBeCloseTo(0.8 * state + 0.3 * 2, 5);
  expect(y1).toBeCloseTo(-2 * next + 0.3 * -3, 5);
});

test('errors name the tensor', async () => {
  const zeros = (...shape: number[]): TensorData => ({
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
    shape,
  });
  const refused = async (change: Partial<SsdScanInput>, message: RegExp): Promise<void> =>
    expectCode(ssdScan({ ...input, ...change }), 'HISTOJET_SHAPE_MISMATCH', message);
  await refused({ x: zeros(1, 64, 24) }, /^x has shape \[1, 64, 24\]/);
  await refused({ dt: zeros(1, 64, 4) }, /^dt has shape \[1, 64, 4\], expected \[1, 64, 3\]/);
  await refused({ A: zeros(4) }, /^A has shape/);
  await refused({ B: zeros(1, 64, 2, 16) }, /^B has shape .*groups that divide the heads/);
  await refused({ C: zeros(1, 64, 1, 15) }, /^C has shape/);
  await refused({ D: zeros(1) }, /^D has shape/);
  await refused({ dtBias: zeros(1) }, /^dtBias has shape/);
  await refused({ initialState: zeros(1, 3, 8, 15) }, /^initialState has shape/);
  const broken = { data: (dt.data as Float32Array).slice(), shape: dt.shape };
  broken.data[31] = Number.NaN;
  await expectCode(ssdScan({ ...input, dt: broken }), 'HISTOJET_INVALID_ARGUMENT', /step 10, head 1/);
  await expectArgumentError(ssdScan(undefined as never), TypeError, /input/);
  await expectArgumentError(ssdScan({ ...input, dtSoftplus: 1 as never }), TypeError, /dtSoftplus/);
  const reason = new Error('enough');
  await expect(ssdScan({ ...input, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
