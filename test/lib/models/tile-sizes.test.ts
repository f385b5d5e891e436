import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HoverFast, NucleusList, type Rect, Slide, synthesizeSlide } from '../../../lib/index.js';
import { expectSameBytes, root, temporaryFolder } from '../support.js';

const folder = temporaryFolder();
const realSlide = join(root, '..', 'shared', 'fixtures', 'wsi', 'CMU-1-Small-Region.svs');

async function nucleiOf(model: HoverFast, slide: Slide, region: Rect, tileSize: number): Promise<NucleusList> {
  const batches: NucleusList[] = [];
  const options = { tissue: false, region, tileSize, threads: tileSize % 512 === 0 ? 2 : 1 };
  for await (const batch of model.segmentSlide(slide, options)) batches.push(batch);
  return NucleusList.concat(batches);
}

/** `region` lies on a seam between windows. */
async function expectSameNuclei(path: string, region: Rect, atLeast: number): Promise<void> {
  await using slide = await Slide.open(path);
  await using model = await HoverFast.load(undefined, { precision: 'fast' });
  const first = await nucleiOf(model, slide, region, 256);
  expect(first.length).toBeGreaterThan(atLeast);
  for (const tileSize of [512, 1024, 2048]) {
    const other = await nucleiOf(model, slide, region, tileSize);
    expect(other.length).toBe(first.length);
    expectSameBytes(other.centroids, first.centroids);
    expectSameBytes(other.areas, first.areas);
    for (let i = 0; i < first.length; ++i) expectSameBytes(other.contour(i), first.contour(i));
  }
}

test('HoverFast finds the same nuclei whatever the tiles, on a synthetic slide', { timeout: 240_000 }, async () => {
  const path = join(folder, 'slide.tif');
  await synthesizeSlide(path, { width: 1500, height: 900, seed: 4, tissue: 0.9 });
  await expectSameNuclei(path, { x: 800, y: 300, width: 500, height: 400 }, 50);
});

test('and on a real one that is resampled', { timeout: 240_000 }, async ({ skip }) => {
  if (!existsSync(realSlide)) skip('skipped: no shared fixtures');
  await expectSameNuclei(realSlide, { x: 900, y: 1400, width: 300, height: 300 }, 50);
});
