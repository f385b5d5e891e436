import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Progress, readNuclei, synthesizeSlide, syntheticKinds } from '../../../lib/index.js';
import { expectArgumentError, expectCode, expectSameBytes, temporaryFolder } from '../support.js';

const folder = temporaryFolder();

test('equal seeds give equal bytes, other seeds do not; progress reaches the end', async () => {
  const options = { width: 600, height: 300, seed: 11, tissue: 0.9 };
  const [a, b, c] = ['a.tif', 'b.tif', 'c.tif'].map((name) => join(folder, name)) as [string, string, string];
  const reports: Progress[] = [];
  const truth = join(folder, 'a.geojson.gz');
  const first = await synthesizeSlide(a, { ...options, truth, onProgress: (progress) => reports.push(progress) });
  const second = await synthesizeSlide(b, options);
  await synthesizeSlide(c, { ...options, seed: 12 });
  expectSameBytes(readFileSync(a), readFileSync(b));
  expect(readFileSync(a).equals(readFileSync(c))).toBe(false);
  expect(first).toMatchObject({ path: a, truth, fileBytes: readFileSync(a).length });
  expect(second).toMatchObject({ truth: null, nuclei: first.nuclei });
  expect((await readNuclei(truth)).length).toBe(first.nuclei);
  expect(first.nuclei).toBeGreaterThan(5);
  const last = reports.at(-1);
  expect(last).toMatchObject({ stage: 'synthesize', done: last?.total });
  expect(last?.rssBytes).toBeGreaterThan(1e6);
  expect(syntheticKinds).toContain('lymphocyte');
});

test('a grade shows in clusters, which result and truth name', async () => {
  const options = { width: 540, height: 520, mpp: 1, seed: 7, tissue: 0.95 };
  const made = async (grade?: 0 | 1 | 2) => {
    const path = join(folder, `grade-${grade}.tif`);
    const truth = join(folder, `grade-${grade}.geojson`);
    return { path, truth, ...(await synthesizeSlide(path, { ...options, grade, truth })) };
  };
  const [none, zero, one, two] = await Promise.all([made(), made(0), made(1), made(2)]);
  expectSameBytes(readFileSync(none.path), readFileSync(zero.path));
  expect([none.clusters, zero.clusters]).toEqual([[], []]);
  expect(one.clusters.length).toBeGreaterThanOrEqual(2);
  expect(new Set(one.clusters.map(({ kind }) => kind)).size).toBe(1);
  expect(new Set(two.clusters.map(({ kind }) => kind))).toEqual(new Set(['basophilic', 'eosinophilic']));
  const places = (clusters: typeof one.clusters) => clusters.map(({ kind: _, ...place }) => place);
  expect(places(two.clusters)).toEqual(places(one.clusters));
  const truth = JSON.parse(readFileSync(two.truth, 'utf8'));
  expect(truth.grade).toBe(2);
  expect(truth.clusters.map(({ kind }: { kind: string }) => kind)).toEqual(two.clusters.map(({ kind }) => kind));
  expect(truth.clusters[0].radius).toBeCloseTo(two.clusters[0]?.radiusPx ?? 0, 1);
  expect((await readNuclei(two.truth)).length).toBe(two.nuclei);
  expect('grade' in JSON.parse(readFileSync(none.truth, 'utf8'))).toBe(false);
});

test('a slide without room for two clusters has no grade 1', async () => {
  const path = join(folder, 'tiny.tif');
  const tiny = { width: 500, height: 500, seed: 1 };
  await expectCode(synthesizeSlide(path, { ...tiny, grade: 1 }), 'HISTOJET_INVALID_ARGUMENT', /200 um apart/);
  await expectCode(
    synthesizeSlide(path, { ...tiny, grade: 0, repeat: true }),
    'HISTOJET_INVALID_ARGUMENT',
    /repeated slide has no grade/,
  );
  await expectArgumentError(synthesizeSlide(path, { ...tiny, grade: 3 as never }), RangeError, /^grade: /);
  expect(existsSync(path)).toBe(false);
});

test('aborting leaves no finished file', async () => {
  const path = join(folder, 'aborted.tif');
  const controller = new AbortController();
  const reason = new Error('enough');
  const writing = synthesizeSlide(path, { width: 20_000, height: 20_000, seed: 1, signal: controller.signal });
  setTimeout(() => controller.abort(reason), 50);
  await expect(writing).rejects.toBe(reason);
  expect(existsSync(path)).toBe(false);
});

test('refuses bad parameters', async () => {
  const path = join(folder, 'bad.tif');
  await expectArgumentError(synthesizeSlide(path, { width: 0, height: 5, seed: 1 }), RangeError, /^width: /);
  await expectArgumentError(synthesizeSlide(path, { width: 5, height: 5, seed: -1 }), RangeError, /^seed: /);
  await expectArgumentError(
    synthesizeSlide(path, { width: 5, height: 5, seed: 1, tissue: 2 }),
    RangeError,
    /^tissue: /,
  );
  await expectArgumentError(
    synthesizeSlide(path, { width: 5, height: 5, seed: 1, onProgress: 3 as never }),
    TypeError,
    /^onProgress: /,
  );
  const nowhere = join(folder, 'no', 'such', 'folder.tif');
  await expectCode(synthesizeSlide(nowhere, { width: 64, height: 64, seed: 1 }), 'HISTOJET_IO', /No such file/);
});
