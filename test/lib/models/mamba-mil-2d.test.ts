import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MambaMil, type MilPredictOptions, Tensor } from '../../../lib/index.js';
import { made, relativeDistance, writeSafetensors } from '../safetensors.js';
import { expectArgumentError, expectCode, expectSameBytes, temporaryFolder } from '../support.js';
import { smallMil, smallMil2d } from './mamba-weights.js';

const folder = temporaryFolder();
const path = writeSafetensors(join(folder, '2dmamba.safetensors'), smallMil2d());
const config = { mamba_2d_patch_size: 256, mamba_2d_max_w: 2000, mamba_2d_max_h: 1500 };
const features = made([12, 20], 7, 1.5);
/** Twelve of the 8 x 6 cells, in no order. */
const coordinates = {
  data: Int32Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? (7 - ((i / 2) % 8)) * 256 : (i % 5) * 256 + 9)),
  shape: [12, 2],
};

test('lays the tiles on the grid, in any type of number and with any number of threads', async () => {
  await using mil = await MambaMil.load(path, { config });
  expect(mil.info).toMatchObject({
    architecture: 'mamba-mil',
    outputs: 3,
    config: { type: '2DMamba', in_dim: 20, dim: 16, depth: 1, n_classes: 3, act: 'gelu', survival: false, ...config },
  });
  const found = await mil.predict(features, { coordinates });
  if (found.head !== 'classification') throw new Error('expected classes');
  expect(found.attention).toHaveLength(12);
  expect(found.emptyAttention).toBeGreaterThan(0.1);
  expect(found.attention.reduce((a, b) => a + b) + found.emptyAttention).toBeCloseTo(1, 5);
  await using single = await MambaMil.load(path, { config, threads: 1 });
  for (const data of [Float64Array.from(coordinates.data), BigInt64Array.from([...coordinates.data].map(BigInt))]) {
    await using places = Tensor.from(data, [12, 2]);
    const again = await single.predict(features, { coordinates: places });
    expectSameBytes(again.logits, found.logits);
    expectSameBytes(again.attention, found.attention);
  }
});

test('the result is one of places, not of the order of the tiles', async () => {
  await using mil = await MambaMil.load(path, { config });
  const found = await mil.predict(features, { coordinates });
  const turned = <T extends Float32Array | Int32Array>(data: T, width: number): T =>
    data.map((_, i) => data[data.length - width * (Math.floor(i / width) + 1) + (i % width)] ?? 0) as T;
  const other = await mil.predict(
    { data: turned(features.data, 20), shape: [12, 20] },
    { coordinates: { data: turned(coordinates.data, 2), shape: [12, 2] } },
  );
  expectSameBytes(other.logits, found.logits);
  expectSameBytes(Float32Array.from(other.attention).reverse(), found.attention);
  await using wider = await MambaMil.load(path, { config: { ...config, mamba_2d_max_w: 2048 } });
  expect(relativeDistance((await wider.predict(features, { coordinates })).logits, found.logits)).toBeGreaterThan(1e-6);
});

test('an empty mixer leaves the attention pooling of all cells', async () => {
  const tensors = smallMil2d();
  tensors.set('layers.layers.0.mixer.out_proj.weight', { data: new Float32Array(16 * 32), shape: [16, 32] });
  const still = writeSafetensors(join(folder, 'still.safetensors'), tensors);
  await using mil = await MambaMil.load(still, { config });
  const { emptyAttention, attention } = await mil.predict(features, { coordinates });
  // Without mixer a tile's share against another's depends on nothing but the two; 36 cells are empty and equal.
  await using twice = await MambaMil.load(still, { config: { ...config, mamba_2d_max_w: 4047 } });
  const wider = await twice.predict(features, { coordinates });
  expect(wider.emptyAttention / (1 - wider.emptyAttention)).toBeCloseTo(
    ((emptyAttention / (1 - emptyAttention)) * (96 - 12)) / 36,
    4,
  );
  expect((wider.attention[3] ?? 0) / (wider.attention[5] ?? 0)).toBeCloseTo(
    (attention[3] ?? 0) / (attention[5] ?? 1),
    4,
  );
});

test('survival has its fields', async () => {
  await using mil = await MambaMil.load(path, { config: { ...config, survival: true } });
  const found = await mil.predict(features, { coordinates });
  expect(found.head === 'survival_discrete' && found.hazards).toHaveLength(3);
});

test('what does not fit is refused', async () => {
  await using mil = await MambaMil.load(path, { config });
  const refused = async (options: MilPredictOptions | undefined, words: RegExp): Promise<void> =>
    expectCode(mil.predict(features, options), 'HISTOJET_INVALID_ARGUMENT', words);
  await refused(undefined, /expected coordinates of each of the 12 tiles/);
  const changed = (at: number, value: number): MilPredictOptions => {
    const data = Float64Array.from(coordinates.data);
    data[at] = value;
    return { coordinates: { data, shape: [12, 2] } };
  };
  await refused(changed(4, -1), /tile 2 at \(-1, .*8 x 6 cells of 256 px/);
  await refused(changed(5, 1536), /tile 2 at .*outside/);
  await refused(changed(0, Number.NaN), /tile 0/);
  const twice = changed(2, coordinates.data[0] ?? 0);
  (twice.coordinates as { data: Float64Array }).data[3] = coordinates.data[1] ?? 0;
  await refused(twice, /tiles 0 .* and 1 .* same cell/);
  await expectCode(
    mil.predict(features, { coordinates: { data: new Int32Array(22), shape: [11, 2] } }),
    'HISTOJET_SHAPE_MISMATCH',
    /coordinates has shape \[11, 2\], expected \[12, 2\]/,
  );
  await expectArgumentError(mil.predict(features, { coordinates: 7 as never }), TypeError, /coordinates/);
  await expectCode(MambaMil.load(path), 'HISTOJET_INVALID_ARGUMENT', /mamba_2d_max_w/);
  await expectCode(
    MambaMil.load(path, { config: { ...config, mamba_2d_patch_size: 1, mamba_2d_max_w: 1e6, mamba_2d_max_h: 1e6 } }),
    'HISTOJET_INVALID_ARGUMENT',
    /1000001 x 1000001 cells/,
  );
  await expectArgumentError(MambaMil.load(path, { config: { mamba_2d_max_w: 0 } }), RangeError, /mamba_2d_max_w/);
  const plain = writeSafetensors(join(folder, 'plain.safetensors'), smallMil());
  await expectCode(MambaMil.load(plain, { config: { type: '2DMamba' } }), 'HISTOJET_MISSING_WEIGHT', /pad_token/);
  await using sequence = await MambaMil.load(plain);
  await expectCode(sequence.predict(features, { coordinates }), 'HISTOJET_INVALID_ARGUMENT', /does not look at them/);
});

test('stops when asked', async () => {
  const large = { mamba_2d_patch_size: 16, mamba_2d_max_w: 60_000, mamba_2d_max_h: 60_000 };
  await using mil = await MambaMil.load(path, { config: large });
  const stop = new AbortController();
  const reason = new Error('enough');
  const long = mil.predict(features, { coordinates, signal: stop.signal });
  setTimeout(() => stop.abort(reason), 10);
  await expect(long).rejects.toBe(reason);
});
