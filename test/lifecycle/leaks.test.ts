import { beforeAll, expect, test } from 'vitest';
import { smallSlide, temporaryFolder } from '../lib/support.js';
import { runProgram } from './programs.js';

const folder = temporaryFolder();
let slide = '';

beforeAll(async () => {
  slide = (await smallSlide(folder)).path;
});

/** Runs `job` in rounds and prints the resident memory, in MiB, after the first third and at the end. */
async function growth(job: string, rounds: number): Promise<number> {
  const { code, output } = await runProgram(
    `
    (async () => {
      const handle = await native.slideOpen(slide, { tolerant: false }, undefined);
      const settle = async () => { for (let i = 0; i < 4; ++i) { gc(); await new Promise((r) => setTimeout(r, 20)); } };
      const job = ${job};
      let early = 0;
      for (let i = 0; i < ${rounds}; ++i) {
        await job(handle, i);
        if (i === Math.floor(${rounds} / 3)) { await settle(); early = native.residentBytes(); }
      }
      await settle();
      console.log((native.residentBytes() - early) / 1048576);
    })();`,
    { slide },
    ['--expose-gc'],
  );
  expect(code, output).toBe(0);
  return Number(output);
}

test('30 000 small calls leave memory as it was', { timeout: 300_000 }, async () => {
  const job = `async () => {
    const tensor = native.tensorFrom(new Float32Array(256), 'F32', [256]);
    await native.tensorData(tensor, undefined); // at once
    const copy = await native.copyOpen(1024); // a job
    native.copyAppend(copy, new Uint8Array(1000));
  }`;
  expect(await growth(job, 30_000)).toBeLessThan(8);
});

test('large results are given back', { timeout: 300_000 }, async () => {
  const job = `async (handle) => {
    const region = { x: 0, y: 0, width: 1000, height: 300, level: 0, channels: 3, coordinates: 'level0', resample: 'nearest' };
    await native.slideReadRegion(handle, region, undefined, undefined);
  }`;
  // 720 MiB are read after the first third. The allocator keeps up to about 60 of them per process and takes its time to
  // get there, which is no leak.
  expect(await growth(job, 1200)).toBeLessThan(120);
});

test('failures and cancelled calls leave nothing behind', { timeout: 300_000 }, async () => {
  const job = `async (handle, i) => {
    const source = native.cancelSource();
    if (i % 2 === 0) native.cancel(source);
    await native.slideReadAssociated(handle, 'none', source).catch(() => {});
    await native.slideOpen('/nowhere', { tolerant: false }, undefined).catch(() => {});
  }`;
  expect(await growth(job, 6000)).toBeLessThan(8);
});
