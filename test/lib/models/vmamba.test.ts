import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Tensor, VMamba, Weights } from '../../../lib/index.js';
import { fixtureWeights, readSafetensors, relativeDistance, writeSafetensors } from '../safetensors.js';
import { expectArgumentError, expectCode, expectSameBytes, fixture, pattern, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
const source = fixture('mamba/vmamba_tiny_model.safetensors');
const path = writeSafetensors(join(folder, 'vmamba.safetensors'), fixtureWeights(source));
const { x, logits } = Object.fromEntries(readSafetensors(source));
if (x === undefined || logits === undefined) throw new Error('the fixture lacks a tensor');

const labels = ['a', 'b', 'c', 'd', 'e'];

test.each([
  ['float32', 2e-5],
  ['high', 1e-4],
  ['fast', 3e-2],
] as const)('gives the reference logits in %s', async (precision, allowed) => {
  await using model = await VMamba.load(path, { precision });
  const [prediction, ...others] = await model.predict(x);
  expect(others).toHaveLength((x.shape[0] ?? 1) - 1);
  expect(relativeDistance(prediction?.logits ?? [], logits.data.subarray(0, 5))).toBeLessThan(allowed);
});

test('tells what it is', async () => {
  await using weights = await Weights.open(path);
  await using model = await VMamba.load(weights, { labels });
  expect(model.info).toMatchObject({
    architecture: 'vmamba',
    device: 'cpu',
    precision: expect.stringMatching(/^(high|float32)$/),
    outputs: 5,
    labels,
    config: { depths: [1, 1], dims: [16, 32], d_state: 1, gated: false, forward_type: 'v05_noz' },
    weights: { path, sha256: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
  });
  const values = [...fixtureWeights(source).values()].reduce((sum, { data }) => sum + data.length, 0);
  expect(model.info.parameters).toBe(values);
  expect(model.info.memoryBytes).toBeGreaterThan(values);
});

test('bytes are normalised, several pictures give what each gives, threads change no bit', async () => {
  const image = pattern(40, 32);
  const mean = [0.6, 0.5, 0.4] as const;
  const std = [0.2, 0.25, 0.3] as const;
  await using model = await VMamba.load(path, { mean, std, labels });
  const prediction = await model.predict(image);
  const planes = new Float32Array(3 * 32 * 40);
  for (let i = 0; i < planes.length; ++i) {
    const c = i % 3;
    planes[c * 32 * 40 + (i - c) / 3] = ((image.data[i] ?? 0) / 255 - (mean[c] ?? 0)) / (std[c] ?? 1);
  }
  const [same] = await model.predict(Tensor.from(planes, [1, 3, 32, 40]));
  expect(relativeDistance(same?.logits ?? [], prediction.logits)).toBeLessThan(1e-5);
  const sum = prediction.probabilities.reduce((a, b) => a + b);
  expect(sum).toBeCloseTo(1, 12);
  expect(prediction.probabilities[prediction.classIndex]).toBe(Math.max(...prediction.probabilities));
  expect(prediction.label).toBe(labels[prediction.classIndex]);
  expect(prediction.features).toHaveLength(32);

  await using single = await VMamba.load(path, { mean, std, threads: 1 });
  const others = [image, pattern(36, 44), image, pattern(32, 32, 4)];
  const all = await model.predict(others);
  expect(all).toHaveLength(4);
  for (const [i, other] of others.entries()) {
    const alone = await single.predict(other);
    expectSameBytes(alone.logits, all[i]?.logits as Float32Array);
    expect(alone.label).toBeUndefined();
  }
  await using usual = await VMamba.load(path);
  expect((await usual.predict(image)).logits).not.toEqual(prediction.logits);
  expect(await model.predict([])).toEqual([]);
});

test('kinds of mixers that the shapes do not tell are obeyed', async () => {
  await using cross = await VMamba.load(path, { config: { forward_type: 'v05_noz' } });
  await using rows = await VMamba.load(path, { config: { forward_type: 'v052d_noz' } });
  await using active = await VMamba.load(path, { config: { forward_type: 'v05_oact_noz' } });
  const image = pattern(40, 32);
  const { logits: expected } = await cross.predict(image);
  expect((await rows.predict(image)).logits).not.toEqual(expected);
  expect((await active.predict(image)).logits).not.toEqual(expected);
  expect(rows.info.config.forward_type).toBe('v052d_noz');
  await expectCode(VMamba.load(path, { config: { forward_type: 'v3' } }), 'HISTOJET_INVALID_ARGUMENT', /hold no gate/);
  for (const forward_type of ['v9', 'v05_gate', 'constructor', 'v05noz']) {
    await expectArgumentError(VMamba.load(path, { config: { forward_type } }), RangeError, /config\.forward_type/);
  }
});

test('wrong arguments and sizes are refused', async () => {
  await using model = await VMamba.load(path);
  await expectCode(model.predict(pattern(4, 40)), 'HISTOJET_SHAPE_MISMATCH', /4 x 40/);
  await expectCode(
    model.predict({ data: new Float32Array(12), shape: [1, 3, 4] }),
    'HISTOJET_SHAPE_MISMATCH',
    /\[1, 3, 4\].*\[pictures, 3, height, width\]/,
  );
  const broken = { data: new Float32Array(3 * 32 * 40).fill(Number.NaN), shape: [1, 3, 32, 40] };
  await expectCode(model.predict(broken), 'HISTOJET_INVALID_ARGUMENT', /no finite number/);
  await expectArgumentError(model.predict(3 as never), TypeError, /image/);
  await expectArgumentError(VMamba.load(path, { mean: [1, 2] as never }), TypeError, /mean/);
  await expectArgumentError(VMamba.load(path, { std: [1, 0, 1] }), RangeError, /std\[1\]/);
  await expectArgumentError(VMamba.load(path, { labels: 'abc' as never }), TypeError, /labels/);
  await expectCode(VMamba.load(path, { labels: ['a'] }), 'HISTOJET_INVALID_ARGUMENT', /1 names.*5 outputs/);
  await expectCode(VMamba.load(path, { config: { d_state: 1 } as never }), 'HISTOJET_INVALID_ARGUMENT', /d_state/);
  await expectCode(VMamba.load(path, { device: 'cuda' }), 'HISTOJET_DEVICE_UNAVAILABLE');
});

test('errors of loading name keys and shapes', async () => {
  const missing = fixtureWeights(source);
  missing.delete('layers.1.blocks.0.op.Ds');
  const without = writeSafetensors(join(folder, 'missing.safetensors'), missing);
  await expectCode(VMamba.load(without), 'HISTOJET_MISSING_WEIGHT', /layers\.1\.blocks\.0\.op\.Ds/);
  const wrong = fixtureWeights(source);
  wrong.set('layers.1.blocks.0.op.x_proj_weight', { data: new Float32Array(4 * 5 * 32), shape: [4, 5, 32] });
  const other = writeSafetensors(join(folder, 'wrong.safetensors'), wrong);
  await expectCode(VMamba.load(other), 'HISTOJET_SHAPE_MISMATCH', /op\.x_proj_weight.*\[4, 5, 32\].*\[4, 4, 32\]/s);
  const more = fixtureWeights(source);
  more.set('layers.1.blocks.0.attn.weight', { data: new Float32Array(1), shape: [1] });
  const extra = writeSafetensors(join(folder, 'extra.safetensors'), more);
  await expectCode(VMamba.load(extra), 'HISTOJET_UNSUPPORTED_FORMAT', /attn\.weight/);
});

test('closing and aborting', async () => {
  const model = await VMamba.load(path);
  const running = model.predict([pattern(320, 320), pattern(320, 320)]);
  await model.close();
  await model.close();
  expect(await running).toHaveLength(2);
  await expectCode(model.predict(pattern(40, 32)), 'HISTOJET_DISPOSED');

  await using open = await VMamba.load(path);
  const stop = new AbortController();
  const reason = new Error('enough');
  const long = open.predict(Array(200).fill(pattern(320, 320)), { signal: stop.signal });
  setTimeout(() => stop.abort(reason), 20);
  await expect(long).rejects.toBe(reason);
  await expect(open.predict(pattern(40, 32), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await expect(VMamba.load(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
