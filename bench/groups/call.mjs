// What a call costs beyond its work: the way into native code and back, the event loop, the import.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { interleave, makeRow, median, timed } from '../harness.mjs';
import { outFolder, root } from '../programs.mjs';

const calls = 20_000;
const sidePx = 1024;
const pictureSidePx = 4096;
const loopResolutionMs = 1;

/** Medians per call, in microseconds of CPU and wall time, of asynchronous calls awaited one after the other. */
async function perCall(call, count, rounds) {
  const { loop } = await interleave(
    {
      loop: () =>
        timed(async () => {
          for (let i = 0; i < count; i++) await call();
        }),
    },
    rounds,
  );
  return { cpuUs: (1000 * loop.cpuMs) / count, wallUs: (1000 * loop.wallMs) / count };
}

/** A slide of 1024 x 1024 px, small enough for the cache. */
async function openSmallSlide(histojet) {
  mkdirSync(outFolder, { recursive: true });
  const path = join(outFolder, 'small.tif');
  if (!existsSync(path)) await histojet.synthesizeSlide(path, { width: sidePx, height: sidePx, seed: 1 });
  return histojet.Slide.open(path);
}

/** The longest time that the event loop stands still while `work` runs. */
async function longestPauseMs(work) {
  const delay = monitorEventLoopDelay({ resolution: loopResolutionMs });
  delay.enable();
  await setTimeout(5 * loopResolutionMs); // the first turn is not measured, and `work` may hold the loop as it begins
  await work();
  await setTimeout(5 * loopResolutionMs);
  delay.disable();
  return delay.max / 1e6 - loopResolutionMs;
}

/** Medians of the longest pause during work, and during as much time of doing nothing. */
async function pausesDuring(work, rounds) {
  const samples = { work: [], idle: [] };
  for (let round = -1; round < rounds; round++) {
    const start = performance.now();
    const pause = await longestPauseMs(work);
    const duration = performance.now() - start;
    const idle = await longestPauseMs(() => setTimeout(duration));
    if (round < 0) continue;
    samples.work.push(pause);
    samples.idle.push(idle);
  }
  return { work: median(samples.work), idle: median(samples.idle) };
}

/** Reading a region, and nuclei from maps of the caller's. */
async function pauses(histojet, slide, rounds) {
  const maps = {
    np: { data: new Float32Array(sidePx * sidePx), shape: [sidePx, sidePx] },
    hv: { data: new Float32Array(2 * sidePx * sidePx), shape: [2, sidePx, sidePx] },
  };
  return pausesDuring(async () => {
    await slide.readRegion({ x: 0, y: 0, width: sidePx, height: sidePx });
    await histojet.hoverPostprocess(maps, { variant: 'hovernet' });
  }, rounds);
}

/** Outlines on a picture of 50 MB. */
async function picturePauses(histojet, rounds) {
  const image = {
    data: new Uint8Array(3 * pictureSidePx ** 2),
    width: pictureSidePx,
    height: pictureSidePx,
    channels: 3,
  };
  const nuclei = histojet.NucleusList.fromContours([[10, 10, 30, 10, 20, 30]]);
  return pausesDuring(() => histojet.renderOverlay(image, nuclei), rounds);
}

/** CPU and wall milliseconds of `import 'histojet'` in a fresh process. */
function importCost(rounds) {
  const entry = pathToFileURL(join(root, 'dist', 'index.js')).href;
  const program = `
    const start = performance.now();
    const cpu = process.cpuUsage();
    await import('${entry}');
    const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ wallMs: performance.now() - start, cpuMs: (user + system) / 1000 }));`;
  const samples = [];
  for (let round = -1; round < rounds; round++) {
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error('the package could not be imported');
    if (round >= 0) samples.push(JSON.parse(stdout));
  }
  const middle = (key) => median(samples.map((sample) => sample[key]));
  return { cpuMs: middle('cpuMs'), wallMs: middle('wallMs') };
}

/** All rows of this group. */
export async function run({ histojet, rounds }) {
  const absolute = (workload, unit, ours, bar, extra = {}) =>
    makeRow({ workload, rival: 'none (absolute)', unit, ours, bar, barOn: 'ours', ...extra });
  const tensor = histojet.Tensor.from(new Float32Array(1), [1]);
  const slide = await openSmallSlide(histojet);
  const small = await perCall(() => tensor.data(), calls, rounds);
  const job = await perCall(() => slide.readRegion({ x: 0, y: 0, width: 1, height: 1 }), calls / 4, rounds);
  const pause = await pauses(histojet, slide, rounds);
  const picture = await picturePauses(histojet, rounds);
  const imported = importCost(rounds);
  await slide.close();
  return [
    absolute('call through N-API: Tensor.data() of one value', 'CPU µs', small.cpuUs, 20, {
      wallOurs: small.wallUs,
      note: 'up to 32 KiB are copied at once; the next row is a call that changes threads twice',
    }),
    absolute('call as a job: one pixel of a cached tile', 'CPU µs', job.cpuUs, null, { wallOurs: job.wallUs }),
    absolute('longest pause of the event loop during native work', 'wall ms', pause.work, 5, {
      note: `an idle loop on this machine: ${pause.idle.toFixed(1)} ms`,
    }),
    absolute('longest pause while outlines are drawn on 4096 x 4096 px', 'wall ms', picture.work, 5, {
      note: `an idle loop on this machine: ${picture.idle.toFixed(1)} ms`,
    }),
    absolute("import 'histojet'", 'CPU ms', imported.cpuMs, 50, { wallOurs: imported.wallMs }),
  ];
}
