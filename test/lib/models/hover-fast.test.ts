import { getEventListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { defaultWeightsPath, HoverFast, type Image, type Progress, Slide, Weights } from '../../../lib/index.js';
import {
  expectArgumentError,
  expectCode,
  expectSameBytes,
  fixture,
  pattern,
  smallSlide,
  temporaryFolder,
  tinyWeights,
} from '../support.js';

const folder = temporaryFolder();
let model: HoverFast;
let slide: Slide;
let picture: Image;

beforeAll(async () => {
  model = await HoverFast.load(tinyWeights);
  slide = await Slide.open((await smallSlide(folder)).path);
  picture = await slide.readRegion({ x: 300, y: 20, width: 203, height: 150 });
});

describe('load', () => {
  test('says what is used', () => {
    expect(model.info).toMatchObject({
      architecture: 'hoverfast',
      device: 'cpu',
      mpp: 0.25,
      parameters: 8092,
      config: { depth: 2, wf: 3, batch_norm: false, up_mode: 'upsample' },
      weights: { path: tinyWeights, sha256: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
    });
    expect(model.describe({ width: 128, height: 64 })).toContain('conv2d');
  });

  test('takes open weights and leaves them open', async () => {
    const weights = await Weights.open(tinyWeights);
    const other = await HoverFast.load(weights, { precision: 'float32' });
    expect(other.info.precision).toBe('float32');
    expect(other.info.weights.sha256).toBe(model.info.weights.sha256);
    expect((await weights.get(weights.names[0] as string)).size).toBeGreaterThan(0);
  });

  test.runIf(existsSync(defaultWeightsPath()))('without a path takes the packaged weights', async () => {
    const packaged = await HoverFast.load();
    expect(packaged.info.weights.path).toBe(defaultWeightsPath());
    const nuclei = await packaged.segment(picture, { mpp: 0.25 });
    expect(nuclei.length).toBeGreaterThan(0);
  });

  test('refuses what it cannot do', async () => {
    await expectCode(HoverFast.load(tinyWeights, { device: 'cuda' }), 'HISTOJET_DEVICE_UNAVAILABLE');
    await expectArgumentError(HoverFast.load(tinyWeights, { precision: 'half' as never }), RangeError, /^precision: /);
    await expectArgumentError(HoverFast.load(tinyWeights, { threads: 0 }), RangeError, /^threads: /);
    await expectArgumentError(HoverFast.load(7 as never), TypeError, /^weights: /);
    await expectCode(HoverFast.load('/nowhere.pth'), 'HISTOJET_IO');
    const expected = fixture('hover/hoverfast_small_b_expected.safetensors');
    await expectCode(HoverFast.load(expected), 'HISTOJET_MISSING_WEIGHT');
  });
});

describe('predict', () => {
  test('gives maps of the picture', async () => {
    const { np, hv, tp } = await model.predict(picture);
    expect(np).toMatchObject({ shape: [150, 203], dtype: 'f32' });
    expect(hv).toMatchObject({ shape: [2, 150, 203], dtype: 'f32' });
    expect(tp).toBeUndefined();
    const values = (await np.data()) as Float32Array;
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(100);
  });

  test('a list adds an axis, alpha lies on white', async () => {
    const opaque = new Uint8Array(203 * 150 * 4).fill(255);
    for (let i = 0; i < 203 * 150; ++i) opaque.set(picture.data.subarray(3 * i, 3 * i + 3), 4 * i);
    const rgba = { data: new Uint8ClampedArray(opaque), width: 203, height: 150, channels: 4 as const };
    const { np, hv } = await model.predict([picture, rgba]);
    expect([np.shape, hv.shape]).toEqual([
      [2, 150, 203],
      [2, 2, 150, 203],
    ]);
    const values = await np.data();
    const half = values.length / 2;
    expectSameBytes(values.slice(0, half), values.slice(half));
    expectSameBytes(values.slice(0, half), await (await model.predict(picture)).np.data());
  });

  test('refuses pictures that are none', async () => {
    await expectArgumentError(model.predict([]), TypeError, /at least one/);
    await expectArgumentError(model.predict(null as never), TypeError, /^image: expected \{ data/);
    await expectArgumentError(model.predict({ ...picture, data: [1] as never }), TypeError, /^image\.data: expected a/);
    await expectArgumentError(model.predict({ ...picture, channels: 1 as never }), RangeError, /^image\.channels: /);
    await expectCode(model.predict({ ...picture, width: 7 }), 'HISTOJET_SHAPE_MISMATCH', /^image\.data holds/);
    await expectCode(model.predict([picture, pattern(8, 8)]), 'HISTOJET_SHAPE_MISMATCH', /^images\[1\] has 8 x 8/);
    await expectArgumentError(model.predict(picture, { stain: 'pas' as never }), RangeError, /^stain: /);
  });
});

describe('segment', () => {
  test('labels have the size of the picture, at any resolution', async () => {
    const options = { variant: 'hoverfast', minArea: { um2: 1 }, simplify: 0 } as const;
    for (const mpp of [0.25, 0.5, 0.2]) {
      const nuclei = await model.segment(picture, { ...options, mpp });
      expect(nuclei.labels?.shape).toEqual([150, 203]);
      for (const { box } of nuclei) expect(box[2] <= 203 && box[3] <= 150).toBe(true);
    }
  });

  test('refuses two units of area', async () => {
    await expectArgumentError(model.segment(picture, { minArea: { px: 1, um2: 1 } as never }), TypeError, /^minArea: /);
    await expectArgumentError(model.segment(picture, { mpp: 0 }), RangeError, /^mpp: /);
  });
});

describe('segmentSlide', () => {
  test('reaches the end and says so', async () => {
    const reports: Progress[] = [];
    const run = model.segmentSlide(slide, { tissue: false, onProgress: (progress) => reports.push(progress) });
    let found = 0;
    for await (const nuclei of run) found += nuclei.length;
    expect(run.progress).toMatchObject({ windowsDone: run.progress.windowsTotal, nuclei: found });
    expect(run.progress.windowsTotal).toBeGreaterThan(0);
    expect(reports.at(-1)).toMatchObject({ stage: 'segment', done: run.progress.windowsTotal });
    await expectCode(run[Symbol.asyncIterator]().next(), 'HISTOJET_INVALID_ARGUMENT', /looped over once/);
  });

  test('aborting rejects with the reason and forgets the signal', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const { signal } = controller;
    const loop = (async () => {
      for await (const _ of model.segmentSlide(slide, { tissue: false, signal }));
    })();
    setTimeout(() => controller.abort(reason), 5);
    await expect(loop).rejects.toBe(reason);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    const late = model.segmentSlide(slide, { signal })[Symbol.asyncIterator]().next();
    await expect(late).rejects.toBe(reason);
  });

  test('refuses what cannot be', async () => {
    expect(() => model.segmentSlide({} as never)).toThrow(/^slide: expected a Slide/);
    expect(() => model.segmentSlide(slide, { tileSize: 100 })).toThrow(/^tileSize: .*from 256 to 4096/);
    expect(() => model.segmentSlide(slide, { tissue: 1 as never })).toThrow(/^tissue: /);
    const region = { x: 5000, y: 5000, width: 10, height: 10 };
    const outside = model.segmentSlide(slide, { region })[Symbol.asyncIterator]().next();
    await expectCode(outside, 'HISTOJET_INVALID_ARGUMENT', /^region: /);
  });
});

test('a closed model refuses, running calls end well', async () => {
  const other = await HoverFast.load(tinyWeights);
  const running = other.predict(picture);
  await other.close();
  await other.close();
  expect((await running).np.shape).toEqual([150, 203]);
  await expectCode(other.predict(picture), 'HISTOJET_DISPOSED', /the model is closed/);
  await expectCode(other.segmentSlide(slide)[Symbol.asyncIterator]().next(), 'HISTOJET_DISPOSED');
  expect(() => other.describe()).toThrow(expect.objectContaining({ code: 'HISTOJET_DISPOSED' }));
});
