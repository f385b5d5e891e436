import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createWriter, HoverFast, readNuclei, Slide, synthesizeSlide, Weights } from '../../lib/index.js';
import { pattern, smallSlide, temporaryFolder } from '../lib/support.js';
import { weights } from './programs.js';

const folder = temporaryFolder();
let slide: Slide;
let model: HoverFast;

beforeAll(async () => {
  slide = await Slide.open((await smallSlide(folder)).path);
  model = await HoverFast.load(weights);
});

test('signals that are already aborted reject every call with their reason', async () => {
  const reason = { not: 'even an error' };
  const signal = AbortSignal.abort(reason);
  const calls: (() => Promise<unknown>)[] = [
    () => Slide.open(slide.path, { signal }),
    () => Weights.open(weights, { signal }),
    () => HoverFast.load(weights, { signal }),
    () => slide.readRegion({ x: 0, y: 0, width: 8, height: 8, signal }),
    () => slide.readAt({ x: 0, y: 0, width: 8, height: 8, mpp: 1, signal }),
    () => slide.thumbnail({ maxSize: 20, signal }),
    () => slide.tissueMask({ signal }),
    () => slide.tiles({ signal })[Symbol.asyncIterator]().next(),
    () => slide.fingerprint({ signal }),
    () => model.predict(pattern(32, 32), { signal }),
    () => model.segment(pattern(32, 32), { signal, mpp: 0.25 }),
    () => model.segmentSlide(slide, { signal })[Symbol.asyncIterator]().next(),
    () => synthesizeSlide(join(folder, 'x.tif'), { width: 8, height: 8, seed: 1, signal }),
  ];
  for (const call of calls) await expect(call(), call.toString()).rejects.toBe(reason);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a signal that is never aborted is left as it was', async () => {
  const { signal } = new AbortController();
  for (let i = 0; i < 20; ++i) await slide.readRegion({ x: 0, y: 0, width: 8, height: 8, signal });
  await slide.readAssociatedImage('none', { signal }).catch(() => {});
  for await (const _ of slide.tiles({ size: 512, signal })) break;
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('aborting in the middle stops the work within a second of computing', async () => {
  const controller = new AbortController();
  const large = pattern(3000, 3000);
  const running = model.predict(large, { signal: controller.signal });
  await new Promise((resolve) => setTimeout(resolve, 30));
  const aborted = process.cpuUsage(); // work done after the abort: a busy machine stretches the wall clock
  controller.abort();
  await expect(running).rejects.toMatchObject({ name: 'AbortError' });
  const { user, system } = process.cpuUsage(aborted);
  expect((user + system) / 1e6).toBeLessThan(1);
});

test('one signal stops many calls, others go on', async () => {
  const controller = new AbortController();
  const stopped = Array.from({ length: 20 }, () =>
    slide.readRegion({ x: 0, y: 0, width: 1000, height: 300, signal: controller.signal }),
  );
  const kept = slide.readRegion({ x: 0, y: 0, width: 10, height: 10 });
  controller.abort();
  const outcomes = await Promise.allSettled(stopped);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toBe(controller.signal.reason);
  }
  expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true);
  expect((await kept).data.length).toBe(300);
});

test('aborting a run over a slide ends it within a second of computing and leaves a valid file', async () => {
  const path = join(folder, 'wide.tif');
  await synthesizeSlide(path, { width: 5000, height: 1000, seed: 3, tissue: 0.9 });
  await using wide = await Slide.open(path);
  await using packaged = await HoverFast.load(undefined, { precision: 'fast' });
  const controller = new AbortController();
  const { signal } = controller;
  const output = join(folder, 'partial.geojson');
  const writer = await createWriter(output, { slide: wide });
  let aborted: NodeJS.CpuUsage | undefined;
  const run = async (): Promise<void> => {
    for await (const batch of packaged.segmentSlide(wide, { tissue: false, signal, threads: 1 })) {
      await writer.write(batch);
      // In the middle of the next window, not between two.
      setTimeout(() => {
        aborted ??= process.cpuUsage();
        controller.abort();
      }, 20);
    }
  };
  await expect(run()).rejects.toMatchObject({ name: 'AbortError' });
  const { user, system } = process.cpuUsage(aborted);
  expect((user + system) / 1e6).toBeLessThan(1);
  await writer.abandon();
  const nuclei = await readNuclei(`${output}.part`);
  expect(nuclei.length).toBeGreaterThan(0);
  expect(nuclei.length).toBe(writer.count);
});
