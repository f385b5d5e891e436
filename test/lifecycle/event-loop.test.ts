import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { synthesizeSlide } from '../../lib/index.js';
import { temporaryFolder } from '../lib/support.js';
import { weights } from './programs.js';

const folder = temporaryFolder();

test('timers tick and files are read while all threads work', async () => {
  const controller = new AbortController();
  const jobs = Array.from({ length: 4 }, (_, i) =>
    synthesizeSlide(join(folder, `${i}.tif`), { width: 30_000, height: 30_000, seed: i, signal: controller.signal }),
  );
  const delays = monitorEventLoopDelay({ resolution: 5 });
  delays.enable();
  let ticks = 0;
  const timer = setInterval(() => ++ticks, 5);
  const started = performance.now();
  await readFile(weights); // would wait for the jobs if they sat on libuv's threads
  const fileMs = performance.now() - started;
  await new Promise((resolve) => setTimeout(resolve, 600));
  clearInterval(timer);
  delays.disable();
  controller.abort();
  const outcomes = await Promise.allSettled(jobs);
  expect(outcomes.map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
  expect(ticks).toBeGreaterThan(20);
  expect(fileMs).toBeLessThan(500);
  expect(delays.percentile(50) / 1e6).toBeLessThan(50);
});
