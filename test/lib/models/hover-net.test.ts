import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { HoverFast, HoverNet, loadModel } from '../../../lib/index.js';
import {
  expectArgumentError,
  expectCode,
  expectSameBytes,
  fixture,
  pattern,
  temporaryFolder,
  tinyWeights,
} from '../support.js';
import { writeHoverNet } from './hover-net-weights.js';

const folder = temporaryFolder();
const weights = join(folder, 'hovernet.safetensors');
const typeInfo = { 0: ['nolabe', [0, 0, 0]], 1: ['neopla', [255, 0, 0]], 2: ['inflam', [0, 255, 0]] };
let model: HoverNet;

beforeAll(async () => {
  const metadata = { mode: 'fast', nr_types: '3', input_ch: '3', mpp: '0.25', type_info: JSON.stringify(typeInfo) };
  writeHoverNet(weights, metadata, 3);
  model = await HoverNet.load(weights, { precision: 'float32' });
});

describe('load', () => {
  test('says what is used', () => {
    expect(model.info).toMatchObject({
      architecture: 'hovernet',
      device: 'cpu',
      precision: 'float32',
      parameters: 37_639_431,
      mpp: 0.25,
      outputMarginPx: 46,
      tilePx: 256,
      config: { mode: 'fast', nr_types: 3, input_ch: 3 },
      types: [
        { name: 'nolabe', color: [0, 0, 0] },
        { name: 'neopla', color: [255, 0, 0] },
        { name: 'inflam', color: [0, 255, 0] },
      ],
      weights: { path: weights, sha256: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
    });
    expect(Object.isFrozen(model.info.types)).toBe(true);
  });

  test('shows the plan of the usual tile', () => {
    expect(model.describe()).toContain('decoder.tp.u3.dense.units.7.conv2');
    const invalid = expect.objectContaining({ code: 'HISTOJET_INVALID_ARGUMENT' });
    expect(() => model.describe({ width: 250 })).toThrow(invalid);
    expect(() => model.describe({ width: 250 })).toThrow(/multiples of 8.*248 and 256/);
  });

  test('refuses other networks by name', async () => {
    await expectCode(HoverNet.load(tinyWeights), 'HISTOJET_MISSING_WEIGHT', /HoverFast/);
    await expectCode(HoverFast.load(weights), 'HISTOJET_MISSING_WEIGHT', /HoverNet/);
    const expected = fixture('hover/hoverfast_small_b_expected.safetensors');
    await expectCode(loadModel(expected), 'HISTOJET_MISSING_WEIGHT', /neither/);
    await expectCode(HoverNet.load(expected), 'HISTOJET_MISSING_WEIGHT', /decoder\.np/);
    await expectArgumentError(HoverNet.load(undefined as never), TypeError, /^weights: /);
    await expectCode(HoverNet.load(weights, { device: 'cuda' }), 'HISTOJET_DEVICE_UNAVAILABLE');
  });
});

describe('loadModel', () => {
  test('recognises the network, wrapped keys included', async () => {
    const wrapped = join(folder, 'wrapped.safetensors');
    writeHoverNet(wrapped, {}, 6, 'desc.module.');
    const loaded = await loadModel(wrapped, { precision: 'float32' });
    expect(loaded).toBeInstanceOf(HoverNet);
    expect(loaded.info.types.map(({ name }) => name)).toContain('neoplastic');
    expect(await loadModel(tinyWeights)).toBeInstanceOf(HoverFast);
    await loaded.close();
    await loaded.close();
    await expectCode(loaded.predict(pattern(8, 8)), 'HISTOJET_DISPOSED', /the model is closed/);
  });
});

describe('predict', () => {
  test('gives maps of the picture, whatever its size', async () => {
    const { np, hv, tp } = await model.predict(pattern(50, 30), { patchSize: 136 });
    expect(np).toMatchObject({ shape: [30, 50], dtype: 'f32' });
    expect(hv).toMatchObject({ shape: [2, 30, 50], dtype: 'f32' });
    expect(tp).toMatchObject({ shape: [30, 50], dtype: 'u8' });
    const values = (await np.data()) as Float32Array;
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
    const classes = new Set((await tp?.data()) as Uint8Array);
    expect([...classes].every((id) => id < 3)).toBe(true);
  });

  test('a list adds an axis', async () => {
    const [a, b] = [pattern(12, 10), { ...pattern(12, 10), data: new Uint8Array(360).fill(200) }];
    const { np, tp } = await model.predict([a, b], { patchSize: 104 });
    expect([np.shape, tp?.shape]).toEqual([
      [2, 10, 12],
      [2, 10, 12],
    ]);
    const alone = await model.predict(b, { patchSize: 104 });
    expectSameBytes((await np.data()).slice(120), await alone.np.data());
  });

  test('refuses patches that the network does not take', async () => {
    const picture = pattern(10, 10);
    await expectCode(
      model.predict(picture, { patchSize: 100 }),
      'HISTOJET_INVALID_ARGUMENT',
      /side of 100 px.*multiples of 8 from 96.*96 and 104.*256/,
    );
    await expectArgumentError(model.predict(picture, { patchSize: 90 }), RangeError, /^patchSize: /);
    await expectArgumentError(model.predict(null as never), TypeError, /^image: /);
  });
});

test('segment gives nuclei with classes', async () => {
  // Maps of meaningless weights have no centres of nuclei, which HoVer-Net's own procedure needs.
  const nuclei = await model.segment(pattern(100, 80), { mpp: 0.25, minArea: { px: 1 }, variant: 'hoverfast' });
  expect(nuclei.labels?.shape).toEqual([80, 100]);
  expect(nuclei.length).toBeGreaterThan(0);
  expect(nuclei.types).toHaveLength(nuclei.length);
});
