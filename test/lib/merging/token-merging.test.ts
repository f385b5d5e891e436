import { expect, test } from 'vitest';
import {
  adjacentMatching,
  bipartiteSoftMatching,
  kthBipartiteSoftMatching,
  partitionSoftMatching2d,
  Tensor,
  type TensorData,
  type TokenMerging,
  Weights,
} from '../../../lib/index.js';
import { expectArgumentError, expectCode, fixture } from '../support.js';

async function tensors(name: string): Promise<(key: string) => Promise<Tensor>> {
  const weights = await Weights.open(fixture(`mamba/${name}.safetensors`));
  return (key) => weights.get(key);
}

async function floats(tensor: Tensor): Promise<Float32Array> {
  return (await tensor.data()) as Float32Array;
}

async function expectClose(got: Tensor, wanted: Tensor): Promise<void> {
  expect(got.shape).toEqual(wanted.shape);
  const [a, b] = [await floats(got), await floats(wanted)];
  const worst = a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);
  expect(worst).toBeLessThan(1e-5);
}

/** Tokens with a different value everywhere. */
function tokens(batch: number, count: number, channels: number): TensorData {
  const data = Float32Array.from({ length: batch * count * channels }, (_, i) => Math.sin(i * i * 0.37 + i));
  return { data, shape: [batch, count, channels] };
}

test('agrees with the reference', async () => {
  const get = await tensors('tome_cls');
  const x = await get('x');
  const sizes = await floats(await get('size'));
  const step = await bipartiteSoftMatching(await get('metric'), { r: 6, classToken: true, sizes });
  expect(step).toMatchObject({ batch: 2, tokens: 17, mergedTokens: 11, originalTokens: 17 });
  await expectClose(await step.merge(x), await get('merged_mean'));
  await expectClose(await step.merge(x, 'sum'), await get('merged_sum'));
  await expectClose(await step.merge(x, 'max'), await get('merged_amax'));
  const weighted = await step.merge(x, 'weighted');
  await expectClose(weighted, await get('merged_wavg'));
  await expectClose(await step.unmerge(weighted), await get('unmerged'));
  await expectClose(await step.denseSource(), await get('source'));
  expect(step.sizes).toEqual(await floats(await get('size_out')));
  expect(step.attentionBias[3]).toBeCloseTo(Math.log(step.sizes[3] as number), 6);
});

test('steps carry sizes and sources', async () => {
  const get = await tensors('tome_stack');
  let x = await get('x0');
  let previous: TokenMerging | undefined;
  for (const [i, r] of [6, 5, 4].entries()) {
    const values = await floats(x);
    const count = x.shape[1] as number;
    const data = Float32Array.from({ length: count * 6 }, (_, k) => values[Math.floor(k / 6) * 12 + (k % 6)] as number);
    previous = await bipartiteSoftMatching({ data, shape: [1, count, 6] }, { r, classToken: true, previous });
    x = await previous.merge(x, 'weighted');
    await expectClose(x, await get(`x${i + 1}`));
    await expectClose(await previous.denseSource(), await get(`source${i + 1}`));
    expect(previous.sizes).toEqual(await floats(await get(`size${i + 1}`)));
  }
  expect(previous).toMatchObject({ originalTokens: 33, mergedTokens: 18 });
  expect(previous?.sizes.reduce((sum, size) => sum + size, 0)).toBe(33);
  expect(previous?.source.length).toBe(33);
});

test('every k-th token remains', async () => {
  const get = await tensors('tome_kth');
  const step = await kthBipartiteSoftMatching(await get('metric'), { k: 3 });
  const merged = await step.merge(await get('x'));
  await expectClose(merged, await get('k3_mean'));
  await expectClose(await step.unmerge(merged), await get('k3_unmerged'));
  expect(step.source[21]).toBe(-1);
});

test('matches on a grid', async () => {
  const get = await tensors('tomesd_ragged');
  const step = await partitionSoftMatching2d(await get('metric'), { height: 7, width: 9, r: 30 });
  await expectClose(await step.unmerge(await step.merge(await get('x'))), await get('unmerged'));
  await expectCode(
    partitionSoftMatching2d(await get('metric'), { height: 7, width: 8, r: 30 }),
    'HISTOJET_SHAPE_MISMATCH',
    /63 tokens, expected 7 x 8/,
  );
});

test('parts of a step may be taken out of it', async () => {
  const x = tokens(1, 12, 4);
  const { merge, unmerge, sizes, source } = await bipartiteSoftMatching(x, { r: 4 });
  const back = await unmerge(await merge(x, 'mean'));
  expect(back.shape).toEqual([1, 12, 4]);
  expect(sizes.length).toBe(8);
  expect(Math.max(...source)).toBe(7);
});

test('windows and order', async () => {
  const x = tokens(1, 64, 4);
  const step = await bipartiteSoftMatching(x, { r: 16, window: 16, keepOrder: true });
  for (let first = 0; first < 64; first += 16) {
    const window = { data: (x.data as Float32Array).subarray(first * 4, (first + 16) * 4), shape: [1, 16, 4] };
    const own = await bipartiteSoftMatching(window, { r: 4, keepOrder: true });
    const shift = (first / 16) * 12;
    expect(step.source.slice(first, first + 16)).toEqual(own.source.map((owner) => owner + shift));
  }
  const runs = await adjacentMatching(
    { data: Float32Array.of(1, 0, 2, 0.1, 0, 3), shape: [1, 3, 2] },
    { threshold: 0.9 },
  );
  expect(runs.source).toEqual(Int32Array.of(0, 0, 1));
});

test('threads change nothing', async () => {
  const x = tokens(2, 700, 24);
  const one = await bipartiteSoftMatching(x, { r: 300, threads: 1 });
  const all = await bipartiteSoftMatching(x, { r: 300 });
  expect(all.source).toEqual(one.source);
  expect(await (await all.merge(x, 'weighted')).data()).toEqual(await (await one.merge(x, 'weighted')).data());
});

test('what is wrong is said', async () => {
  const x = tokens(1, 8, 4);
  const flat = { data: new Float32Array(8), shape: [8] };
  await expectCode(bipartiteSoftMatching(flat, { r: 1 }), 'HISTOJET_SHAPE_MISMATCH', /metric has shape \[8\]/);
  await expectCode(
    bipartiteSoftMatching({ data: new Int32Array(8), shape: [1, 4, 2] }, { r: 1 }),
    'HISTOJET_INVALID_ARGUMENT',
    /floating-point/,
  );
  await expectArgumentError(bipartiteSoftMatching(x, { r: -1 }), RangeError, /r: expected/);
  await expectArgumentError(bipartiteSoftMatching(x, {} as { r: number }), TypeError, /r: expected/);
  await expectArgumentError(bipartiteSoftMatching(x, { r: 1, window: 0 }), RangeError, /window/);
  await expectArgumentError(kthBipartiteSoftMatching(x, { k: 0 }), RangeError, /k: expected/);
  await expectCode(bipartiteSoftMatching(x, { r: 1, sizes: new Float32Array(0) }), 'HISTOJET_SHAPE_MISMATCH', /sizes/);
  const step = await bipartiteSoftMatching(x, { r: 2 });
  await expectCode(step.merge(tokens(1, 7, 4)), 'HISTOJET_SHAPE_MISMATCH', /expected \[1, 8, channels\]/);
  await expectCode(step.unmerge(x), 'HISTOJET_SHAPE_MISMATCH', /expected \[1, 6, channels\]/);
  await expectCode(bipartiteSoftMatching(x, { r: 2, previous: step }), 'HISTOJET_SHAPE_MISMATCH', /8 tokens/);
  const stranger = {} as TokenMerging;
  await expectArgumentError(bipartiteSoftMatching(x, { r: 2, previous: stranger }), TypeError, /previous/);
  await expectArgumentError(step.merge(x, 'median' as 'mean'), RangeError, /mode/);
  const closed = Tensor.from(new Float32Array(8), [1, 4, 2]);
  await closed.close();
  await expectCode(bipartiteSoftMatching(closed, { r: 1 }), 'HISTOJET_DISPOSED');
});

test('an aborted signal rejects with its reason', async () => {
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await expect(bipartiteSoftMatching(tokens(1, 8, 4), { r: 1, signal })).rejects.toBe(reason);
  const step = await bipartiteSoftMatching(tokens(1, 8, 4), { r: 1 });
  await expect(step.merge(tokens(1, 8, 4), 'mean', { signal })).rejects.toBe(reason);
});
