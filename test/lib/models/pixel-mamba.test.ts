import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type OrdinalPrediction, PixelMamba, type Progress, Slide, synthesizeSlide } from '../../../lib/index.js';
import { expectArgumentError, expectCode, expectSameBytes, pattern, temporaryFolder, tinyWeights } from '../support.js';

const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);

/** A slide with room for clusters, made once. */
const slides = new Map<number, Promise<{ path: string; clusters: readonly { x: number; y: number }[] }>>();

function graded(grade: 0 | 1 | 2) {
  const known = slides.get(grade);
  if (known !== undefined) return known;
  const path = inFolder(`grade-${grade}.tif`);
  const made = synthesizeSlide(path, { width: 2048, height: 2048, seed: 5001, mpp: 0.25, grade }).then(
    ({ clusters }) => ({ path, clusters }),
  );
  slides.set(grade, made);
  return made;
}

function ordinal(prediction: { readonly head: string }): OrdinalPrediction {
  expect(prediction.head).toBe('ordinal');
  return prediction as OrdinalPrediction;
}

describe('PixelMamba', () => {
  it('says what it is', async () => {
    await using model = await PixelMamba.load();
    expect(model.info).toMatchObject({
      architecture: 'pixel-mamba/1',
      device: 'cpu',
      head: 'ordinal',
      labels: ['grade 0', 'grade 1', 'grade 2'],
      config: { format: 'pixel-mamba/1' },
    });
    expect(model.info.parameters).toBeGreaterThan(10_000);
    expect(model.info.weights.sha256).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('grades slides it has never seen', async () => {
    await using model = await PixelMamba.load();
    for (const grade of [0, 1, 2] as const) {
      await using slide = await Slide.open((await graded(grade)).path);
      const { classIndex, label, probabilities, above, logits, regions } = ordinal(await model.predict(slide));
      expect({ classIndex, label }).toEqual({ classIndex: grade, label: `grade ${grade}` });
      expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 9);
      expect(above[0]).toBeCloseTo(1 / (1 + Math.exp(-(logits[0] ?? 0))), 6);
      expect(regions).toBeGreaterThan(4);
    }
  });

  it('gives the same numbers for any number of threads, in memory or through a file, and for the pixels themselves', async () => {
    const { path } = await graded(2);
    await using slide = await Slide.open(path);
    await using model = await PixelMamba.load();
    await using single = await PixelMamba.load(undefined, { threads: 1 });
    const reports: Progress[] = [];
    const expected = await model.predict(slide, { onProgress: (progress) => reports.push(progress) });
    expect(reports.map(({ stage }) => stage)).toContain('regions');
    const spilled = await model.predict(slide, { maxMemoryBytes: 0, spillDir: folder });
    expect(spilled.spilledBytes).toBeGreaterThan(0);
    const inMemory = await model.predict(slide, { streaming: false });
    expect(inMemory.spilledBytes).toBe(0);
    const width = 2048 * (0.25 / model.info.mpp);
    const image = await slide.readAt({ x: 0, y: 0, width, height: width, mpp: model.info.mpp });
    for (const other of [spilled, inMemory, await single.predict(slide), await model.predict(image)]) {
      expectSameBytes(other.features, expected.features);
      expectSameBytes(other.logits, expected.logits);
    }
  });

  it('leaves out what has no tissue', async () => {
    const { path } = await graded(1);
    await using slide = await Slide.open(path);
    await using model = await PixelMamba.load();
    const all = await model.predict(slide, { tissue: false });
    expect(all.regionsSkipped).toBe(0);
    const mask = { width: 4, height: 4, downsample: 512, data: new Uint8Array(16).fill(1, 0, 4) };
    const top = await model.predict(slide, { tissue: mask, minTissue: 0.5 });
    expect(top.regions).toBe(all.regions / 4);
    expect(top.regionsSkipped).toBe(all.regions - top.regions);
    const empty = { ...mask, data: new Uint8Array(16) };
    await expectCode(model.predict(slide, { tissue: empty }), 'HISTOJET_INVALID_ARGUMENT', /tissue/);
  });

  it('explains a grade by the clusters that make it', async () => {
    const { path, clusters } = await graded(2);
    await using slide = await Slide.open(path);
    await using model = await PixelMamba.load();
    const attribution = await model.attribute(slide, { tokenPx: 8 });
    expect(attribution.target).toBe(1);
    expect(attribution.region).toEqual({ x: 0, y: 0, width: 2048, height: 2048 });
    expect(ordinal(attribution.prediction).label).toBe('grade 2');
    const { finest } = attribution;
    expect(finest).toMatchObject({ tokenPx: 8, width: 32, height: 32, cellPx: { x: 64, y: 64 } });
    for (const map of attribution.maps) expect(map.sum).toBeCloseTo(attribution.total, 3);
    // Within two tokens of a cluster's centre relevance is far above what is usual.
    const sorted = [...finest.values].sort((a, b) => a - b);
    const usual = sorted[Math.floor(sorted.length / 2)] ?? 0;
    const near = clusters.map(({ x, y }) => {
      const [column, row] = [Math.floor(x / 64), Math.floor(y / 64)];
      const around = [-2, -1, 0, 1, 2].flatMap((dy) =>
        [-2, -1, 0, 1, 2].map((dx) => finest.values[(row + dy) * 32 + column + dx] ?? 0),
      );
      return Math.max(...around);
    });
    expect(Math.max(...near)).toBeGreaterThan(10 * Math.abs(usual));
    expect(finest.localShare).toBeGreaterThanOrEqual(0);
    expect(finest.localShare).toBeLessThanOrEqual(1);

    await attribution.savePng(inFolder('heat.png'), slide, { maxSize: 256 });
    await attribution.saveTiff(inFolder('heat.tif'));
    await attribution.saveValues(inFolder('heat.values.ome.tif'));
    expect(readFileSync(inFolder('heat.png')).subarray(1, 4).toString()).toBe('PNG');
    await using heat = await Slide.open(inFolder('heat.tif'));
    expect([heat.width, heat.height, heat.mpp?.x]).toEqual([32, 32, 16]);
    const about = JSON.parse(readFileSync(inFolder('heat.tif.json'), 'utf8')) as Record<string, unknown>;
    expect(about).toMatchObject({ target: 1, tokenPx: 8, level0PerPixel: [64, 64] });
    expect(existsSync(inFolder('heat.values.ome.tif.json'))).toBe(true);
    expect(() => attribution.mapOf(3)).toThrow(RangeError);
  });

  it('stops when it is told to', async () => {
    const { path } = await graded(1);
    await using slide = await Slide.open(path);
    await using model = await PixelMamba.load();
    const controller = new AbortController();
    const reason = new Error('enough');
    const run = model.predict(slide, { signal: controller.signal, onProgress: () => controller.abort(reason) });
    await expect(run).rejects.toBe(reason);
    await expect(model.predict(slide, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('refuses what makes no sense, and says where', async () => {
    await expectCode(PixelMamba.load(tinyWeights), 'HISTOJET_INVALID_ARGUMENT', /config/);
    const config = { format: 'pixel-mamba/1', stages: [{ dim: 16, wide: 3 }] };
    await expectCode(PixelMamba.load(undefined, { config }), 'HISTOJET_INVALID_ARGUMENT', /stages\[0\]\.wide/);
    await writeFile(inFolder('not.safetensors'), 'no');
    await expect(PixelMamba.load(inFolder('not.safetensors'))).rejects.toThrow();
    const model = await PixelMamba.load();
    const picture = pattern(64, 64);
    await expectArgumentError(model.predict(picture, { tissue: true }), TypeError, /only slides/);
    await expectArgumentError(model.predict(picture, { minTissue: 2 }), TypeError, /only slides/);
    await expectArgumentError(model.predict(picture, { maxMemoryBytes: -1 }), RangeError, /maxMemoryBytes/);
    await expectCode(model.attribute(picture, { target: 7 }), 'HISTOJET_INVALID_ARGUMENT', /7/);
    await expectCode(model.attribute(picture, { tokenPx: 5 }), 'HISTOJET_INVALID_ARGUMENT', /5/);
    await model.close();
    await model.close();
    await expectCode(model.predict(picture), 'HISTOJET_DISPOSED');
  });
});
