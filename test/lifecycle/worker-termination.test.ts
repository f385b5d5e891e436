import { beforeAll, expect, test } from 'vitest';
import { smallSlide, temporaryFolder } from '../lib/support.js';
import { runProgram, weights } from './programs.js';

const folder = temporaryFolder();
let slide = '';

beforeAll(async () => {
  slide = (await smallSlide(folder)).path;
});

/** Keeps every kind of job going in a Worker: reads, tensors, a run over the slide, a synthetic slide with progress. */
const busyWorker = `
const { parentPort, workerData } = require('node:worker_threads');
const native = require('node-gyp-build')(workerData.root);
const forever = async (job) => { for (;;) await job(); };
(async () => {
  const slide = await native.slideOpen(workerData.slide, { tolerant: false }, undefined);
  const dict = await native.weightsOpen(workerData.weights, false, undefined);
  const model = await native.hoverfastLoad(dict, 'high', undefined);
  const region = { x: 0, y: 0, width: 300, height: 300, level: 0, channels: 3, coordinates: 'level0', resample: 'nearest' };
  const tensor = native.tensorFrom(new Float32Array(100000), 'F32', [100000]);
  forever(() => native.slideReadRegion(slide, region, new Uint8Array(270000), undefined));
  forever(() => native.slideReadRegion(slide, region, undefined, undefined));
  forever(() => native.tensorData(tensor, undefined));
  const options = { variant: 'hovernet', compat: false, stain: 'he', findTissue: false, minTissue: 0, tileSize: 256, threads: 0 };
  forever(async () => {
    const run = native.runStart(model, slide, options);
    while ((await native.runNext(run)).batch) continue;
  });
  native.synthesizeSlide(workerData.slide + '.' + workerData.id, { width: 30000, height: 30000, seed: 1, repeat: false }, '',
    () => parentPort.postMessage('progress'), undefined);
  parentPort.postMessage('busy');
})();
`;

test('Workers that are terminated at any moment never crash the process', { timeout: 300_000 }, async () => {
  const { code, output } = await runProgram(
    `
    const { Worker } = require('node:worker_threads');
    const source = ${JSON.stringify(busyWorker)};
    let seed = 12345;
    const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
    async function oneRound(id) {
      const worker = new Worker(source, { eval: true, workerData: { root: process.cwd(), slide, weights, id } });
      // Half of them die while they load, half while all jobs run.
      if (id % 2 === 0) await new Promise((resolve) => worker.once('message', resolve));
      await new Promise((resolve) => setTimeout(resolve, random() * 120));
      const started = performance.now();
      await worker.terminate();
      return performance.now() - started;
    }
    (async () => {
      let longest = 0;
      for (let id = 0; id < 24; ++id) longest = Math.max(longest, await oneRound(id));
      const tensor = native.tensorFrom(new Float32Array([1, 2]), 'F32', [2]);
      const values = new Float32Array(await native.tensorData(tensor, undefined));
      console.log(JSON.stringify({ longest, values: [...values] }));
    })();
    `,
    { slide, weights },
  );
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('"values":[1,2]') });
  const { longest } = JSON.parse(output.slice(output.indexOf('{')));
  expect(longest).toBeLessThan(5000); // milliseconds; a job notices within a few, a busy machine takes longer
});

test('a Worker that ends by itself waits for its jobs, the main thread goes on', { timeout: 120_000 }, async () => {
  const { code, output } = await runProgram(
    `
    const { Worker } = require('node:worker_threads');
    const source = "const { parentPort, workerData } = require('node:worker_threads');" +
      "const native = require('node-gyp-build')(workerData);" +
      "native.tensorData(native.tensorFrom(new Uint8Array(3), 'U8', [3]), undefined)" +
      ".then((buffer) => parentPort.postMessage(buffer.byteLength));";
    (async () => {
      for (let i = 0; i < 5; ++i) {
        const worker = new Worker(source, { eval: true, workerData: process.cwd() });
        const answer = new Promise((resolve) => worker.once('message', resolve));
        const exit = new Promise((resolve) => worker.once('exit', resolve));
        console.log(await answer, await exit);
      }
    })();
    `,
  );
  expect({ code, output }).toEqual({ code: 0, output: '3 0\n'.repeat(5) });
});
