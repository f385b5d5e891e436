import { expect, test } from 'vitest';
import {
  type Progress,
  type SelectiveScanInput,
  selectiveScan,
  Tensor,
  type TensorData,
  type TensorInput,
} from '../../../lib/index.js';
import { expectArgumentError, expectCode, expectSameBytes } from '../support.js';
import { expectClose, floats, inputOf, tensorsOf } from './scan-fixtures.js';

/** Swaps the last two sides of [batch, rows, length] or the outer and inner ones of [batch, groups, states, length]. */
function timeFirst({ data, shape }: TensorData): TensorData {
  const length = shape.at(-1) ?? 0;
  const batch = shape[0] ?? 0;
  const rows = data.length / batch / length;
  const turned = new Float32Array(data.length);
  for (let i = 0; i < data.length; ++i) {
    const item = Math.floor(i / (rows * length));
    const row = Math.floor(i / length) % rows;
    turned[(item * length + (i % length)) * rows + row] = Number(data[i]);
  }
  return { data: turned, shape: [batch, length, ...shape.slice(1, -1)] };
}

const names = ['batch5_n5', 'constB_constC', 'extreme', 'groups2', 'initial_state', 'n256', 'no_z', 'varB_constC'];

test.each(names)('%s agrees with double precision in both layouts', async (name) => {
  const tensors = tensorsOf(`scan_${name}`);
  const input = inputOf(tensors);
  const { y, lastState } = await selectiveScan(input);
  expect(y).toBeInstanceOf(Tensor);
  expect(y.shape).toEqual(tensors.u?.shape);
  expect(y.dtype).toBe('f32');
  expect(lastState?.shape).toEqual(tensors.last_state?.shape);
  expectClose(await floats(y), tensors.out_exact as TensorData);
  expectClose(await floats(lastState), tensors.last_state_exact as TensorData);

  const turned = (value: TensorInput): TensorData => timeFirst(value as TensorData);
  const last = await selectiveScan({
    ...input,
    layout: 'bld',
    u: turned(input.u),
    delta: turned(input.delta),
    z: input.z && turned(input.z),
    B: input.B.shape.length === 2 ? input.B : turned(input.B),
    C: input.C.shape.length === 2 ? input.C : turned(input.C),
    threads: 1,
  });
  expectSameBytes(await floats(last.y), timeFirst({ data: await floats(y), shape: y.shape }).data);
});

/** Steps [from, to) of the last side. */
function cut({ data, shape }: TensorData, from: number, to: number): TensorData {
  const length = shape.at(-1) ?? 0;
  const kept = (data as Float32Array).filter((_, i) => i % length >= from && i % length < to);
  return { data: kept, shape: [...shape.slice(0, -1), to - from] };
}

test('a sequence in two calls gives the bits of one', async () => {
  const tensors = tensorsOf('scan_no_z');
  const input = inputOf(tensors);
  const whole = await selectiveScan(input);
  const part = (from: number, to: number, initialState?: Tensor): Promise<{ y: Tensor; lastState?: Tensor }> => {
    const pieces = Object.fromEntries(
      (['u', 'delta', 'B', 'C'] as const).map((key) => [key, cut(input[key] as TensorData, from, to)]),
    );
    return selectiveScan({ ...input, ...pieces, initialState });
  };
  const first = await part(0, 50);
  const second = await part(50, 129, first.lastState);
  const joined = { data: await floats(whole.y), shape: whole.y.shape };
  expectSameBytes(await floats(first.y), cut(joined, 0, 50).data);
  expectSameBytes(await floats(second.y), cut(joined, 50, 129).data);
  expectSameBytes(await floats(second.lastState), await floats(whole.lastState));
  const { lastState } = await selectiveScan({ ...input, returnLastState: false });
  expect(lastState).toBeUndefined();
});

test('backwards is the same as on flipped sequences', async () => {
  const input = inputOf(tensorsOf('scan_no_z'));
  const flip = ({ data, shape }: TensorData): TensorData => {
    const length = shape.at(-1) ?? 0;
    return { data: (data as Float32Array).map((_, i) => Number(data[i - 2 * (i % length) + length - 1])), shape };
  };
  const back = await selectiveScan({ ...input, reverse: true });
  const sequences = { u: flip(input.u as TensorData), delta: flip(input.delta as TensorData) };
  const factors = { B: flip(input.B as TensorData), C: flip(input.C as TensorData) };
  const flipped = await selectiveScan({ ...input, ...sequences, ...factors });
  expectSameBytes(await floats(back.y), flip({ data: await floats(flipped.y), shape: flipped.y.shape }).data);
});

test('takes tensors and half precision, tells of progress, and stops', async () => {
  const length = 20000;
  const random = (count: number, shape: number[]): TensorData => ({
    data: Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) * 0.5),
    shape,
  });
  const u = Tensor.from(random(64 * length, [1, length, 64]).data, [1, length, 64]);
  const A = { data: new Float32Array(64 * 16).fill(-1), shape: [64, 16] };
  const D = Tensor.from(new Uint16Array(64).fill(0x3c00), [64], { dtype: 'f16' });
  const B = random(16 * length, [1, length, 16]);
  const input: SelectiveScanInput = { u, delta: u, A, B, C: B, D, deltaSoftplus: true, layout: 'bld' };
  const seen: Progress[] = [];
  const { y } = await selectiveScan({ ...input, onProgress: (progress) => seen.push(progress) });
  expect(seen.at(-1)).toMatchObject({ stage: 'scan', done: 64 * length, total: 64 * length });
  expect(seen.every(({ done }, i) => i === 0 || done >= (seen[i - 1]?.done ?? 0))).toBe(true);
  const plain = await selectiveScan({ ...input, D: { data: new Float32Array(64).fill(1), shape: [64] }, threads: 1 });
  expectSameBytes(await floats(plain.y), await floats(y));
  const controller = new AbortController();
  const stopped = selectiveScan({ ...input, signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(stopped).rejects.toThrow('enough');
});

test('names what is wrong', async () => {
  const input = inputOf(tensorsOf('scan_varB_constC'));
  const zeros = (...shape: number[]): TensorData => ({
    data: new Float32Array(shape.reduce((product, side) => product * side, 1)),
    shape,
  });
  const shape = 'HISTOJET_SHAPE_MISMATCH';
  await expectCode(
    selectiveScan({ ...input, delta: zeros(1, 6, 49) }),
    shape,
    /^delta has shape \[1, 6, 49\], expected \[1, 6, 50\]/,
  );
  await expectCode(selectiveScan({ ...input, A: zeros(5, 4) }), shape, /^A has shape \[5, 4\]/);
  await expectCode(selectiveScan({ ...input, B: zeros(1, 5, 50) }), shape, /^B has shape/);
  await expectCode(
    selectiveScan({ ...input, u: zeros(6, 50) }),
    shape,
    /^u has shape \[6, 50\], expected \[batch, channels, length\]/,
  );
  await expectCode(selectiveScan({ ...input, initialState: zeros(1, 6, 5) }), shape, /^initialState/);
  const bad = 'HISTOJET_INVALID_ARGUMENT';
  await expectCode(selectiveScan({ ...input, A: zeros(6, 4, 2) }), bad, /^complex A/);
  const nan = { data: new Float32Array(300).fill(Number.NaN, 157, 158), shape: [1, 6, 50] };
  await expectCode(selectiveScan({ ...input, delta: nan }), bad, /is nan at batch item 0, channel 3, step 7/);
  const broken = { data: new Float32Array(24).fill(Number.NaN, 9, 10), shape: [6, 4] };
  await expectCode(selectiveScan({ ...input, A: broken }), bad, /^A\[2, 1\] is nan/);
  await expectArgumentError(selectiveScan({ ...input, layout: 'ldb' as 'bld' }), RangeError, /^layout: expected/);
  await expectArgumentError(selectiveScan({ ...input, threads: 1.5 }), RangeError, /^threads/);
  await expectArgumentError(selectiveScan({ ...input, reverse: 1 as unknown as boolean }), TypeError, /^reverse/);
  await expectArgumentError(selectiveScan({ ...input, C: undefined as unknown as Tensor }), TypeError, /^C: expected/);
  await expectArgumentError(selectiveScan(undefined as unknown as SelectiveScanInput), TypeError, /^input/);
  const closed = Tensor.from(new Float32Array(300), [1, 6, 50]);
  await closed.close();
  await expectCode(selectiveScan({ ...input, u: closed }), 'HISTOJET_DISPOSED');
});
