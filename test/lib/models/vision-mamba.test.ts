import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { VisionMamba } from '../../../lib/index.js';
import { fixtureWeights, readSafetensors, relativeDistance, writeSafetensors } from '../safetensors.js';
import { expectArgumentError, expectCode, expectSameBytes, pattern, root, temporaryFolder } from '../support.js';
import { smallVim } from './mamba-weights.js';

const folder = temporaryFolder();
const path = writeSafetensors(join(folder, 'vim.safetensors'), smallVim());
const shared = join(root, '../shared/fixtures/mamba/vim_tiny_model.safetensors');

test.skipIf(!existsSync(shared))('gives the reference logits (skipped: no shared fixtures)', async () => {
  const weights = writeSafetensors(join(folder, 'tiny.safetensors'), fixtureWeights(shared));
  const { x, logits, features } = Object.fromEntries(readSafetensors(shared));
  if (!x || !logits || !features) throw new Error('the fixture lacks a tensor');
  for (const [precision, allowed] of [
    ['float32', 2e-5],
    ['high', 1e-4],
    ['fast', 3e-2],
  ] as const) {
    await using model = await VisionMamba.load(weights, { precision });
    expect(model.info.config).toMatchObject({ embed_dim: 32, depth: 3, stride: 4, bimamba_type: 'v2' });
    const found = await model.predict(x);
    expect(
      relativeDistance(
        found.flatMap((one) => [...one.logits]),
        logits.data,
      ),
    ).toBeLessThan(allowed);
    expect(
      relativeDistance(
        found.flatMap((one) => [...one.features]),
        features.data,
      ),
    ).toBeLessThan(allowed);
  }
});

test('classifies pictures; several give what each gives, threads change no bit', async () => {
  const labels = ['stroma', 'tumour', 'necrosis'];
  await using model = await VisionMamba.load(path, { labels });
  expect(model.info).toMatchObject({
    architecture: 'vision-mamba',
    outputs: 3,
    labels,
    config: { if_divide_out: true, if_cls_token: true, use_middle_cls_token: true, final_pool_type: 'mean' },
  });
  const other = { ...pattern(12, 8), data: pattern(12, 8).data.map((value) => 255 - value) };
  const all = await model.predict([pattern(12, 8), other, pattern(12, 8)]);
  await using single = await VisionMamba.load(path, { threads: 1 });
  for (const [i, image] of [pattern(12, 8), other, pattern(12, 8)].entries()) {
    const alone = await single.predict(image);
    expectSameBytes(alone.logits, all[i]?.logits as Float32Array);
    expect(all[i]?.label).toBe(labels[alone.classIndex]);
    expect(alone.features).toHaveLength(16);
  }
  expect(all[0]?.logits).toEqual(all[2]?.logits);
  expect(all[0]?.logits).not.toEqual(all[1]?.logits);
  const logits = all[0]?.logits as Float32Array;
  const powers = logits.map((value) => Math.exp(value));
  const sum = powers.reduce((a, b) => a + b);
  for (const [i, power] of powers.entries()) expect(all[0]?.probabilities[i]).toBeCloseTo(power / sum, 6);
});

test('a network without head has features only', async () => {
  const tensors = smallVim();
  tensors.delete('head.weight');
  tensors.delete('head.bias');
  await using model = await VisionMamba.load(writeSafetensors(join(folder, 'headless.safetensors'), tensors));
  const prediction = await model.predict(pattern(12, 8));
  expect(prediction).toMatchObject({ classIndex: -1, logits: new Float32Array(0), probabilities: new Float64Array(0) });
  await using whole = await VisionMamba.load(path);
  expectSameBytes(prediction.features, (await whole.predict(pattern(12, 8))).features);
});

test('what the shapes do not tell is obeyed', async () => {
  const logitsOf = async (config: Parameters<typeof VisionMamba.load>[1]): Promise<Float32Array> => {
    await using model = await VisionMamba.load(path, config);
    expect(model.info.config).toMatchObject(config?.config ?? {});
    return (await model.predict(pattern(12, 8))).logits;
  };
  const expected = await logitsOf({});
  expect(await logitsOf({ config: { if_divide_out: false } })).not.toEqual(expected);
  expect(await logitsOf({ config: { use_middle_cls_token: false } })).not.toEqual(expected);
  expectSameBytes(await logitsOf({ config: { stride: 4 } }), expected);
  const tensors = smallVim();
  tensors.delete('cls_token');
  tensors.set('pos_embed', { data: new Float32Array(6 * 16), shape: [1, 6, 16] });
  const pooled = writeSafetensors(join(folder, 'pooled.safetensors'), tensors);
  await using mean = await VisionMamba.load(pooled);
  await using last = await VisionMamba.load(pooled, { config: { final_pool_type: 'none' } });
  expect((await mean.predict(pattern(12, 8))).logits).not.toEqual((await last.predict(pattern(12, 8))).logits);
});

test('wrong arguments, sizes and weights are refused', async () => {
  await using model = await VisionMamba.load(path);
  await expectCode(model.predict(pattern(16, 16)), 'HISTOJET_SHAPE_MISMATCH', /16 x 16 px has 16 patches.*for 6/);
  await expectArgumentError(VisionMamba.load(undefined as never), TypeError, /weights/);
  await expectArgumentError(
    VisionMamba.load(path, { config: { final_pool_type: 'max' as never } }),
    RangeError,
    /config\.final_pool_type/,
  );
  await expectArgumentError(VisionMamba.load(path, { config: { stride: 0 } }), RangeError, /config\.stride/);
  await expectCode(VisionMamba.load(join(folder, 'none.safetensors')), 'HISTOJET_IO');
  const wrong = smallVim();
  wrong.set('norm_f.weight', { data: new Float32Array(17), shape: [17] });
  const other = writeSafetensors(join(folder, 'wrong.safetensors'), wrong);
  await expectCode(VisionMamba.load(other), 'HISTOJET_SHAPE_MISMATCH', /norm_f\.weight.*\[17\].*\[16\]/s);
  const grey = smallVim();
  grey.set('patch_embed.proj.weight', { data: new Float32Array(16 * 16), shape: [16, 1, 4, 4] });
  const one = writeSafetensors(join(folder, 'grey.safetensors'), grey);
  await expectCode(VisionMamba.load(one), 'HISTOJET_UNSUPPORTED_FORMAT', /1 channels/);
});
