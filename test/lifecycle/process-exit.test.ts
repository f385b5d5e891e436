import { beforeAll, expect, test } from 'vitest';
import { smallSlide, temporaryFolder } from '../lib/support.js';
import { runProgram, weights } from './programs.js';

const folder = temporaryFolder();
let slide = '';

beforeAll(async () => {
  slide = (await smallSlide(folder)).path;
});

const longJob = `native.synthesizeSlide(slide + '.long', { width: 60000, height: 60000, seed: 2, repeat: false }, '',
  undefined, undefined).catch(() => {});`;

test('process.exit during jobs ends at once, with its status', { timeout: 120_000 }, async () => {
  for (const delay of [0, 1, 30, 100, 250]) {
    const { code, signal, output } = await runProgram(
      `${longJob}
      native.slideOpen(slide, { tolerant: false }, undefined);
      native.weightsOpen(weights, false, undefined).then((dict) => native.hoverfastLoad(dict, 'high', undefined));
      setTimeout(() => process.exit(7), ${delay});`,
      { slide, weights },
    );
    expect({ code, signal, output }).toEqual({ code: 7, signal: null, output: '' });
  }
});

test('an uncaught error during jobs ends the process with status 1', { timeout: 60_000 }, async () => {
  const { code, output } = await runProgram(`${longJob} setTimeout(() => { throw new Error('mine'); }, 20);`, {
    slide,
  });
  expect(code).toBe(1);
  expect(output).toContain('Error: mine');
});

test('the process lives while a promise is open and ends when none is', { timeout: 60_000 }, async () => {
  const { code, output } = await runProgram(
    `native.slideOpen(slide, { tolerant: false }, undefined).then((handle) => console.log(native.slideInfo(handle).format));`,
    { slide },
  );
  expect({ code, output }).toEqual({ code: 0, output: 'generic-tiff\n' });
  const idle = await runProgram(`native.tensorFrom(new Uint8Array(1), 'U8', [1]); native.cancelSource();`);
  expect(idle.code).toBe(0);
});

test('a progress callback that throws does not disturb the job', { timeout: 60_000 }, async () => {
  const { code, output } = await runProgram(
    `native.synthesizeSlide(slide + '.p', { width: 300, height: 300, seed: 2, repeat: false }, '',
      () => { throw new Error('mine'); }, undefined).then(() => console.log('done'));`,
    { slide },
  );
  expect({ code, output }).toEqual({ code: 0, output: 'done\n' });
});
