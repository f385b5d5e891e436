import { expect, test } from 'vitest';
import { Tensor } from '../../../lib/index.js';
import { expectArgumentError, expectCode } from '../support.js';

test.each([
  ['f32', new Float32Array([1.5, -2, 3, 4, 5, 6])],
  ['f64', new Float64Array([1.5, -2, 3, 4, 5, 6])],
  ['u8', new Uint8Array([1, 2, 3, 4, 5, 255])],
  ['i8', new Int8Array([1, 2, 3, 4, 5, -128])],
  ['i16', new Int16Array([1, 2, 3, 4, 5, -300])],
  ['u16', new Uint16Array([1, 2, 3, 4, 5, 65535])],
  ['i32', new Int32Array([1, 2, 3, 4, 5, -70000])],
  ['u32', new Uint32Array([1, 2, 3, 4, 5, 4294967295])],
  ['i64', new BigInt64Array([1n, 2n, 3n, 4n, 5n, -6n])],
  ['u64', new BigUint64Array([1n, 2n, 3n, 4n, 5n, 18446744073709551615n])],
] as const)('%s goes in and comes out', async (dtype, values) => {
  const tensor = Tensor.from(values, [2, 3]);
  expect(tensor).toMatchObject({ dtype, shape: [2, 3], size: 6 });
  expect(await tensor.data()).toEqual(values);
});

test('16-bit floats are given as bits', async () => {
  const bits = new Uint16Array([0x3f80, 0x4000]);
  const tensor = Tensor.from(bits, [2], { dtype: 'BF16' });
  expect(tensor.dtype).toBe('bf16');
  expect(await tensor.data()).toEqual(bits);
  expect(() => Tensor.from(new Float32Array(2), [2], { dtype: 'f16' })).toThrow(/made from a Uint16Array/);
  expect(() => Tensor.from(bits, [2], { dtype: 'f12' as never })).toThrow(RangeError);
});

test('views, scalars and empty tensors', async () => {
  const view = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
  const tensor = Tensor.from(view, [1, 2, 1]);
  view.fill(7); // the values were copied
  expect(await tensor.data()).toEqual(new Float32Array([1, 2]));
  expect(await Tensor.from(new Float32Array([4]), []).data()).toEqual(new Float32Array([4]));
  expect(await Tensor.from(new Float32Array(0), [0, 5]).data()).toEqual(new Float32Array(0));
  const large = Tensor.from(new Float32Array(300_000).fill(3), [300_000]);
  expect((await large.data()).length).toBe(300_000);
});

test('refuses values that do not fit', async () => {
  expect(() => Tensor.from(new Float32Array(5), [2, 3])).toThrow(
    expect.objectContaining({ code: 'HISTOJET_SHAPE_MISMATCH', message: 'shape [2, 3] needs 6 values, got 5' }),
  );
  expect(() => Tensor.from([1, 2] as never, [2])).toThrow(TypeError);
  expect(() => Tensor.from(new Float32Array(2), [-2])).toThrow(RangeError);
  expect(() => Tensor.from(new Float32Array(2), 2 as never)).toThrow(TypeError);
  await expectArgumentError(
    Tensor.from(new Float32Array(2), [2]).data({ signal: 1 as never }),
    TypeError,
    /^signal: expected an AbortSignal/,
  );
});

test('closed tensors have no values', async () => {
  const tensor = Tensor.from(new Float32Array(2), [2]);
  await tensor.close();
  await tensor.close();
  await expectCode(tensor.data(), 'HISTOJET_DISPOSED', /the tensor is closed/);
});
