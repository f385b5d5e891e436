import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MambaMil, type MambaMilConfig, type MilPrediction, Tensor } from '../../../lib/index.js';
import { type Floats, made, relativeDistance, writeSafetensors } from '../safetensors.js';
import { expectArgumentError, expectCode, expectSameBytes, temporaryFolder } from '../support.js';
import { smallMil } from './mamba-weights.js';

const folder = temporaryFolder();
const path = writeSafetensors(join(folder, 'mil.safetensors'), smallMil());
const features = made([23, 20], 7, 1.5);

/** y = x Wᵀ + b of one row. */
function linear(tensors: ReadonlyMap<string, Floats>, key: string, x: readonly number[]): number[] {
  const weight = tensors.get(`${key}.weight`)?.data ?? new Float32Array();
  const bias = tensors.get(`${key}.bias`)?.data ?? new Float32Array();
  return Array.from(bias, (b, n) => x.reduce((sum, value, k) => sum + value * (weight[n * x.length + k] ?? 0), b));
}

function layerNorm(tensors: ReadonlyMap<string, Floats>, key: string, x: readonly number[]): number[] {
  const mean = x.reduce((a, b) => a + b) / x.length;
  const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
  const weight = tensors.get(`${key}.weight`)?.data ?? [];
  const bias = tensors.get(`${key}.bias`)?.data ?? [];
  return x.map((value, c) => ((value - mean) / Math.sqrt(variance + 1e-5)) * (weight[c] ?? 0) + (bias[c] ?? 0));
}

/** The network of mixers that add nothing. */
function expectedWithoutMixers(tensors: ReadonlyMap<string, Floats>, tiles: Floats) {
  const [count = 0, values = 0] = tiles.shape;
  const tokens = Array.from({ length: count }, (_, t) => {
    const row = [...tiles.data.subarray(t * values, (t + 1) * values)];
    return layerNorm(
      tensors,
      'norm',
      linear(tensors, '_fc1.0', row).map((value) => Math.max(0, value)),
    );
  });
  const scores = tokens.map((token) =>
    Math.exp(linear(tensors, 'attention.2', linear(tensors, 'attention.0', token).map(Math.tanh))[0] ?? 0),
  );
  const sum = scores.reduce((a, b) => a + b);
  const attention = scores.map((score) => score / sum);
  const pooled = (tokens[0] ?? []).map((_, c) =>
    tokens.reduce((total, token, t) => total + (attention[t] ?? 0) * (token[c] ?? 0), 0),
  );
  return { attention, features: pooled, logits: linear(tensors, 'classifier', pooled) };
}

async function predicted(config: MambaMilConfig, from = path): Promise<MilPrediction> {
  await using mil = await MambaMil.load(from, { config });
  return mil.predict(features);
}

test('equals the network computed by hand where the mixers add nothing', async () => {
  const tensors = smallMil();
  for (const layer of [0, 1]) {
    tensors.set(`layers.${layer}.1.out_proj.weight`, { data: new Float32Array(16 * 32), shape: [16, 32] });
  }
  const expected = expectedWithoutMixers(tensors, features);
  await using mil = await MambaMil.load(writeSafetensors(join(folder, 'still.safetensors'), tensors), {
    precision: 'float32',
  });
  const found = await mil.predict(features);
  expect(relativeDistance(found.attention, expected.attention)).toBeLessThan(2e-5);
  expect(relativeDistance(found.features, expected.features)).toBeLessThan(2e-5);
  expect(relativeDistance(found.logits, expected.logits)).toBeLessThan(2e-5);
});

test('classifies a slide, in any float type and with any number of threads', async () => {
  const labels = ['benign', 'atypical', 'malignant'];
  await using mil = await MambaMil.load(path, { labels });
  expect(mil.info).toMatchObject({
    architecture: 'mamba-mil',
    outputs: 3,
    labels,
    config: { in_dim: 20, dim: 16, depth: 2, type: 'SRMamba', rate: 10, act: 'relu', survival: false },
  });
  const found = await mil.predict(features);
  if (found.head !== 'classification') throw new Error('expected classes');
  expect(found.attention).toHaveLength(23);
  expect(found.attention.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  expect(found.probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  expect(found.label).toBe(labels[found.classIndex]);
  await using single = await MambaMil.load(path, { threads: 1 });
  await using tensor = Tensor.from(Float64Array.from(features.data), [23, 20]);
  const again = await single.predict(tensor);
  expectSameBytes(again.logits, found.logits);
  expectSameBytes(again.attention, found.attention);
});

test('survival follows the hazards', async () => {
  const found = await predicted({ survival: true });
  if (found.head !== 'survival_discrete') throw new Error('expected survival');
  let alive = 1;
  let risk = 0;
  for (const [k, logit] of found.logits.entries()) {
    const hazard = 1 / (1 + Math.exp(-logit));
    alive *= 1 - hazard;
    risk -= alive;
    expect(found.hazards[k]).toBeCloseTo(hazard, 12);
    expect(found.survival[k]).toBeCloseTo(alive, 12);
  }
  expect(found.risk).toBeCloseTo(risk, 12);
  expect('probabilities' in found).toBe(false);
});

test('what the shapes do not tell is obeyed', async () => {
  const { logits } = await predicted({});
  expect((await predicted({ rate: 3 })).logits).not.toEqual(logits);
  expect((await predicted({ act: 'gelu' })).logits).not.toEqual(logits);
  expect((await predicted({ type: 'BiMamba' })).logits).not.toEqual(logits);
  const one = writeSafetensors(join(folder, 'one.safetensors'), smallMil(false));
  await using mil = await MambaMil.load(one);
  expect(mil.info.config.type).toBe('Mamba');
});

test('wrong arguments, features and weights are refused', async () => {
  await using mil = await MambaMil.load(path);
  const refused = async (shape: readonly number[]): Promise<void> =>
    expectCode(mil.predict(made(shape, 1, 1)), 'HISTOJET_SHAPE_MISMATCH', /features has shape.*\[tiles, 20\]/);
  for (const shape of [[23, 21], [0, 20], [1, 23, 20], [20]]) await refused(shape);
  const broken = { data: features.data.slice(), shape: [23, 20] };
  broken.data[45] = Number.NaN;
  await expectCode(mil.predict(broken), 'HISTOJET_INVALID_ARGUMENT', /features\[2\]\[5\]/);
  await expectCode(
    mil.predict({ data: new Int32Array(40), shape: [2, 20] }),
    'HISTOJET_INVALID_ARGUMENT',
    /expected real floats/,
  );
  await expectArgumentError(mil.predict(undefined as never), TypeError, /features/);
  await expectArgumentError(MambaMil.load(path, { config: { rate: 0 } }), RangeError, /config\.rate/);
  await expectArgumentError(MambaMil.load(path, { config: { type: 'S4' as never } }), RangeError, /config\.type/);
  await expectCode(MambaMil.load(path, { config: { type: 'Mamba' } }), 'HISTOJET_INVALID_ARGUMENT', /second branch/);
  await expectCode(MambaMil.load(path, { labels: ['a', 'b'] }), 'HISTOJET_INVALID_ARGUMENT', /2 names.*3 outputs/);
  const missing = smallMil();
  missing.delete('attention.2.weight');
  const without = writeSafetensors(join(folder, 'missing.safetensors'), missing);
  await expectCode(MambaMil.load(without), 'HISTOJET_MISSING_WEIGHT', /attention\.2\.weight/);
});

test('closing and aborting', async () => {
  const mil = await MambaMil.load(path);
  const running = mil.predict(features);
  await mil[Symbol.asyncDispose]();
  await mil.close();
  expect((await running).attention).toHaveLength(23);
  await expectCode(mil.predict(features), 'HISTOJET_DISPOSED');

  await using open = await MambaMil.load(path);
  const stop = new AbortController();
  const reason = new Error('enough');
  const long = open.predict(made([150_000, 20], 3, 1), { signal: stop.signal });
  setTimeout(() => stop.abort(reason), 10);
  await expect(long).rejects.toBe(reason);
  await expect(open.predict(features, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
