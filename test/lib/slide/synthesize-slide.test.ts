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
