import { beforeAll, expect, test } from 'vitest';
import { HoverFast, Slide, Tensor } from '../../lib/index.js';
import { expectCode, expectSameBytes, pattern, smallSlide, temporaryFolder } from '../lib/support.js';
import { weights } from './programs.js';

const folder = temporaryFolder();
let slide: Slide;

beforeAll(async () => {
  slide = await Slide.open((await smallSlide(folder)).path);
});

/** Empties an array as sending it to a Worker does. */
function detach(array: Uint8Array): void {
  structuredClone(array, { transfer: [array.buffer as ArrayBuffer] });
  expect(array.length).toBe(0);
}

test('inputs may be transferred as soon as the call has begun', async () => {
  const model = await HoverFast.load(weights);
  const image = pattern(130, 70);
  const expected = await (await model.predict(pattern(130, 70))).np.data();
  const running = model.predict(image);
  detach(image.data);
  expectSameBytes(await (await running).np.data(), expected);
  const values = new Uint8Array([1, 2, 3]);
  const tensor = Tensor.from(values, [3]);
  detach(values);
  expect(await tensor.data()).toEqual(new Uint8Array([1, 2, 3]));
  await expectCode(model.predict(image), 'HISTOJET_SHAPE_MISMATCH', /holds 0 bytes/);
});

test('an output that is transferred during the call is an error, not a crash', async () => {
  const out = new Uint8Array(400 * 300 * 3);
  const running = slide.readRegion({ x: 0, y: 0, width: 400, height: 300, out });
  detach(out);
  await expectCode(running, 'HISTOJET_INVALID_ARGUMENT', /was it transferred/);
});

test('results survive their owners', async () => {
  const tensor = Tensor.from(new Float32Array(200_000).fill(2), [200_000]);
  const values = await tensor.data();
  await tensor.close();
  expect(values[199_999]).toBe(2);
  const { data } = await slide.readRegion({ x: 0, y: 0, width: 1000, height: 300 });
  const copy = structuredClone(data, { transfer: [] });
  expectSameBytes(copy, data);
});
