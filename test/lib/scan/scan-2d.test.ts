import { expect, test } from 'vitest';
import { type Scan2dInput, scan2d, selectiveScan, type TensorData } from '../../../lib/index.js';
import { expectArgumentError, expectCode, expectSameBytes } from '../support.js';
import { expectClose, floats, inputOf, tensorsOf } from './scan-fixtures.js';

const tensors = tensorsOf('scan2d_small');
const { returnLastState: _, initialState: __, ...scan } = inputOf(tensors);
const input: Scan2dInput = { ...scan, height: 7, width: 9 };

test('agrees with double precision', async () => {
  const y = await scan2d(input);
  expect(y.shape).toEqual([1, 6, 63]);
  expectClose(await floats(y), tensors.out as TensorData);
});

test('a single row is a scan of a sequence', async () => {
  const row = await floats(await scan2d({ ...input, height: 1, width: 63 }));
  const { y } = await selectiveScan(scan);
  expectClose(row, { data: await floats(y), shape: y.shape });
  expectSameBytes(await floats(await scan2d({ ...input, height: 1, width: 63, threads: 1 })), row);
});

test('names what is wrong', async () => {
  await expectCode(scan2d({ ...input, width: 8 }), 'HISTOJET_SHAPE_MISMATCH', /7 x 8 cells are not the length 63/);
  await expectArgumentError(scan2d({ ...input, height: -1 }), RangeError, /^height/);
  await expectArgumentError(scan2d(null as unknown as Scan2dInput), TypeError, /^input/);
});
