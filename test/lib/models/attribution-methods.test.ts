import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type AttributionOptions,
  type AttributionTestOptions,
  type OcclusionOptions,
  PixelMamba,
  type Progress,
  Slide,
  synthesizeSlide,
} from '../../../lib/index.js';
import { covered, expectArgumentError, expectCode, expectSameBytes, pattern, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);
const made = synthesizeSlide(inFolder('grade-2.tif'), { width: 2048, height: 2048, seed: 5001, mpp: 0.25, grade: 2 });

async function gradedSlide(): Promise<Slide> {
  return Slide.open((await made).path);
}

describe('PixelMamba.attribute', () => {
  it('takes the target from its own forward pass', async () => {
    await using slide = await gradedSlide();
    await using model = await PixelMamba.load();
    const stages = new Set<string>();
    const free = await model.attribute(slide, { tokenPx: 16, onProgress: ({ stage }) => stages.add(stage) });
    const named = await model.attribute(slide, { tokenPx: 16, target: 1 });
    expect(free.target).toBe(1);
    expectSameBytes(free.finest.values, named.finest.values);
    expect([...stages].filter((stage) => stage === 'regions')).toHaveLength(1);
    const features = await model.attribute(slide, { tokenPx: 16, target: 'features' });
    expect(features.target).toBeNull();
    expect(features.total).toBeCloseTo(1, 4);
  });

  it('covers squares and finds the clusters', async () => {
    const { clusters } = await made;
    await using slide = await gradedSlide();
    await using model = await PixelMamba.load();
    const reports: Progress[] = [];
    const occlusion = await model.attribute(slide, {
      method: 'occlusion',
      maxEvaluations: 60,
      onProgress: (progress) => reports.push(progress),
    });
    const prediction = await model.predict(slide);
    expectSameBytes(occlusion.prediction.logits, prediction.logits);
    expect(occlusion.target).toBe(1);
    expect(occlusion.score).toBe(prediction.logits[1]);
    expect(occlusion.evaluations).toBe(occlusion.squares.length + 1);
    expect(occlusion.evaluations).toBeLessThanOrEqual(60);
    expect(occlusion.region).toEqual({ x: 0, y: 0, width: 2048, height: 2048 });
    expect(occlusion.finest).toMatchObject({ squarePx: 16, width: 16, height: 16, cellPx: { x: 128, y: 128 } });
    expect(occlusion.regionsComputed).toBeLessThanOrEqual(occlusion.evaluations * 16);
    expect(reports.at(-1)).toMatchObject({ stage: 'occlusion', done: occlusion.squares.length });

    // The squares whose loss costs most lie at clusters.
    const smallest = occlusion.squares.filter(({ width }) => width === 128);
    const worst = smallest.reduce((a, b) => (b.change < a.change ? b : a));
    expect(worst.change).toBeLessThan(0);
    const near = clusters.some(
      ({ x, y, radiusPx }) =>
        Math.abs(x - worst.x - 64) < 64 + radiusPx + 128 && Math.abs(y - worst.y - 64) < 64 + radiusPx + 128,
    );
    expect(near).toBe(true);
    const cell = (worst.y / 128) * 16 + worst.x / 128;
    expect(occlusion.finest.values[cell]).toBeCloseTo(-worst.change, 5);

    await occlusion.savePng(inFolder('occlusion.png'), slide, { maxSize: 256 });
    await occlusion.saveTiff(inFolder('occlusion.tif'), { part: 'against' });
    await occlusion.saveValues(inFolder('occlusion.values.ome.tif'));
    expect(readFileSync(inFolder('occlusion.png')).subarray(1, 4).toString()).toBe('PNG');
    const about = JSON.parse(readFileSync(inFolder('occlusion.values.ome.tif.json'), 'utf8')) as unknown;
    expect(about).toMatchObject({ method: 'occlusion', target: 1, squarePx: 16, channels: ['all'] });
    await expectArgumentError(occlusion.render({ part: 'local' }), RangeError, /part/);
    expect(existsSync(inFolder('occlusion.tif.json'))).toBe(true);
  });

  it('says what the covered picture gives, for any threads and memory', async () => {
    await using slide = await gradedSlide();
    await using model = await PixelMamba.load();
    const image = await slide.readAt({ x: 0, y: 0, width: 200, height: 130, mpp: model.info.mpp });
    const options = { method: 'occlusion', coarsestPx: 64, finestPx: 64, target: 0 } as const;
    const { squares, score } = await model.attribute(image, options);
    expect(squares).toHaveLength(4 * 3);
    for (const { x, y, width, change } of [squares[1], squares[6], squares[11]].filter((one) => one !== undefined)) {
      const { logits } = await model.predict(covered(image, x, y, width));
      expect((logits[0] ?? 0) - score).toBeCloseTo(change, 4);
    }
    await using single = await PixelMamba.load(undefined, { threads: 1 });
    const other = await single.attribute(image, { ...options, maxMemoryBytes: 0, spillDir: folder });
    expect(other.squares).toEqual(squares);
  });

  it('stops within a second', async () => {
    await using slide = await gradedSlide();
    await using model = await PixelMamba.load();
    const reason = new Error('enough');
    const attribution = await model.attribute(slide, { tokenPx: 32 });
    for (const stage of ['occlusion', 'perturbation']) {
      const controller = new AbortController();
      let asked = Number.POSITIVE_INFINITY;
      const options = {
        signal: controller.signal,
        onProgress: (progress: Progress) => {
          if (progress.stage !== stage || progress.done === 0) return;
          asked = Math.min(asked, performance.now());
          controller.abort(reason);
        },
      };
      const run =
        stage === 'occlusion'
          ? model.attribute(slide, { ...options, method: 'occlusion', maxEvaluations: 500, finestPx: 4 })
          : model.testAttribution(slide, attribution, { ...options, steps: 200 });
      await expect(run).rejects.toBe(reason);
      expect(performance.now() - asked).toBeLessThan(1000);
    }
  });

  it('refuses what makes no sense, and says where', async () => {
    await using model = await PixelMamba.load();
    const picture = pattern(128, 64);
    const occlude = (options: object) =>
      model.attribute(picture, { method: 'occlusion', ...options } as OcclusionOptions);
    await expectArgumentError(model.attribute(picture, { method: 'guess' } as never), RangeError, /method/);
    await expectArgumentError(occlude({ tokenPx: 8 }), TypeError, /tokenPx.*'occlusion'/);
    await expectArgumentError(occlude({ target: 'features' }), TypeError, /target/);
    await expectArgumentError(occlude({ maxEvaluations: 1 }), RangeError, /maxEvaluations/);
    await expectArgumentError(
      model.attribute(picture, { finestPx: 8 } as AttributionOptions),
      TypeError,
      /finestPx.*'rollout'/,
    );
    await expectCode(occlude({ target: 5 }), 'HISTOJET_INVALID_ARGUMENT', /5/);
    await expectCode(occlude({ coarsestPx: 48 }), 'HISTOJET_INVALID_ARGUMENT', /48/);
    await expectCode(occlude({ coarsestPx: 16, maxEvaluations: 10 }), 'HISTOJET_INVALID_ARGUMENT', /10/);
  });
});

describe('PixelMamba.testAttribution', () => {
  it('holds a map against random orders', async () => {
    await using slide = await gradedSlide();
    await using model = await PixelMamba.load();
    const attribution = await model.attribute(slide, { tokenPx: 8 });
    const reports: Progress[] = [];
    const options = { steps: 4, randomOrders: 2, seed: 9, onProgress: (progress: Progress) => reports.push(progress) };
    const test = await model.testAttribution(slide, attribution, options);
    expect(test).toMatchObject({ target: 1, cellPx: 16, squares: 256 });
    expect(test.random.map(({ seed }) => seed)).toEqual([9, 10]);
    expect(reports.at(-1)).toMatchObject({ stage: 'perturbation', done: 24, total: 24 });
    const { logits } = attribution.prediction;
    for (const { deletion, insertion } of [test, ...test.random]) {
      expect(deletion.share).toEqual(Float64Array.from([0, 0.25, 0.5, 0.75, 1]));
      expect(deletion.score[0]).toBe(logits[1]);
      expect(insertion.score[4]).toBe(logits[1]);
      expect(insertion.score[0]).toBe(deletion.score[4]);
      const [a = 0, b = 0, c = 0, d = 0, e = 0] = deletion.score;
      expect(deletion.area).toBeCloseTo((a / 2 + b + c + d + e / 2) / 4, 9);
    }
    for (const random of test.random) {
      expect(test.deletion.area).toBeLessThan(random.deletion.area);
      expect(test.insertion.area).toBeGreaterThan(random.insertion.area);
    }
    const again = await model.testAttribution(slide, attribution, { steps: 4, randomOrders: 1, seed: 10 });
    expect(again.random[0]).toEqual(test.random[1]);
  });

  it('takes the part that was explained, and maps of both methods', async () => {
    await using slide = await gradedSlide();
    await using model = await PixelMamba.load();
    const region = { x: 512, y: 0, width: 1024, height: 1536 };
    const occlusion = await model.attribute(slide, { method: 'occlusion', region, maxEvaluations: 20 });
    const test = await model.testAttribution(slide, occlusion, { steps: 2, randomOrders: 0 });
    expect(test).toMatchObject({ cellPx: 16, squares: 8 * 12, random: [] });
    expect(test.deletion.score[0]).toBe(occlusion.score);
  });

  it('refuses what makes no sense, and says where', async () => {
    await using model = await PixelMamba.load();
    const picture = pattern(128, 64);
    const attribution = await model.attribute(picture);
    const test = (options: object) => model.testAttribution(picture, attribution, options as AttributionTestOptions);
    await expectArgumentError(model.testAttribution(picture, {} as never), TypeError, /attribution/);
    await expectArgumentError(test({ steps: 0 }), RangeError, /steps/);
    await expectArgumentError(test({ seed: -1 }), RangeError, /seed/);
    await expectArgumentError(test({ randomOrders: 0.5 }), RangeError, /randomOrders/);
    await expectArgumentError(test({ region: { x: 0, y: 0, width: 1, height: 1 } }), TypeError, /region/);
    await expectCode(test({ target: 7 }), 'HISTOJET_INVALID_ARGUMENT', /7/);
    await expectCode(
      model.testAttribution(pattern(64, 64), attribution),
      'HISTOJET_INVALID_ARGUMENT',
      /does not fit a picture of 64 x 64/,
    );
  });
});
