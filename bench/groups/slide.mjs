// Reading slides on one core: ours beside libjpeg-turbo alone, OpenSlide and libvips (through sharp).
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { interleave, makeRow, missingRow, timed } from '../harness.mjs';
import { openSharp } from '../peers/sharp.mjs';
import { buildOwn, buildPeer, outFolder, PeerProcess, runJsonLines } from '../programs.mjs';
import { randomWindows } from '../windows.mjs';

const slideSidePx = 8192;
const hugeSidePx = 100_000;
const blockPx = 1024;
const blockCount = 24;
const windowPx = 512;
const windowCount = 64;
const opensPerRound = 20;

/** Each round reads other windows, so that no cache can answer. */
const seedOf = (round) => 1000 + round;

async function makeSlides(histojet) {
  mkdirSync(outFolder, { recursive: true });
  const slides = {
    jpeg: join(outFolder, `slide-${slideSidePx}.tif`),
    huge: join(outFolder, `slide-${hugeSidePx}.tif`),
  };
  if (!existsSync(slides.jpeg)) {
    await histojet.synthesizeSlide(slides.jpeg, { width: slideSidePx, height: slideSidePx, seed: 11, tissue: 0.9 });
  }
  if (!existsSync(slides.huge)) {
    await histojet.synthesizeSlide(slides.huge, { width: hugeSidePx, height: hugeSidePx, seed: 12, repeat: true });
  }
  return slides;
}

/** OpenSlide in a process of its own, or the reason why there is none. */
async function startOpenSlide() {
  const program = buildPeer('openslide_peer', ['openslide']);
  return typeof program === 'string' ? { peer: new PeerProcess(program, []) } : { reason: program.missing };
}

/** Our reader and libjpeg-turbo alone, both in C++, from our own program. */
function jpegRows(path, rounds) {
  const bars = [
    { match: /aligned/, bar: 0.85 },
    { match: /random/, bar: 0.8 },
  ];
  return runJsonLines(buildOwn('slide_bench'), [path, String(rounds)], { HISTOJET_THREADS: '1' }).map((line) => {
    const known = bars.find(({ match }) => match.test(line.workload));
    return makeRow({
      workload: line.workload.replace(/^slide: /, ''),
      rival: 'libjpeg-turbo alone, same tiles',
      unit: 'Mpx/CPU s',
      ours: line.ours,
      theirs: line.theirs,
      higherIsBetter: true,
      bar: known?.bar ?? null,
      limitShare: line.ours / line.theirs,
      note: 'C++ API beside the bare decoder',
    });
  });
}

/** Windows through the public API beside the rivals that read windows. */
async function windowRows({ histojet, path, rounds, openslide, sharp }, { side, count, align, name, bars }) {
  const slide = await histojet.Slide.open(path, { maxCacheBytes: 0 });
  const round = { ours: 0, openslide: 0, sharp: 0 };
  const windowsOf = (who) => randomWindows(seedOf(round[who]++), slide, count, side, align);
  const contenders = {
    ours: () => {
      const windows = windowsOf('ours');
      return timed(async () => {
        for (const window of windows) await slide.readRegion(window);
      });
    },
  };
  if (openslide.peer) {
    const used = await openslide.peer.ask(`use ${path}`);
    if (used.error !== null) throw new Error(used.error);
    contenders.openslide = () => openslide.peer.ask(`read ${seedOf(round.openslide++)} ${count} ${side} ${align}`);
  }
  if (sharp) {
    contenders.sharp = () => {
      const windows = windowsOf('sharp');
      return timed(async () => {
        for (const window of windows) await sharp.readRegion(path, window);
      });
    };
  }
  const results = await interleave(contenders, rounds);
  await slide.close();
  const megapixels = (count * side * side) / 1e6;
  const rate = (result) => (result === undefined ? null : (1000 * megapixels) / result.cpuMs);
  const row = (rival, key, bar, reason) =>
    results[key] === undefined
      ? missingRow({ workload: name, rival, unit: 'Mpx/CPU s', bar, reason })
      : makeRow({
          workload: name,
          rival,
          unit: 'Mpx/CPU s',
          ours: rate(results.ours),
          theirs: rate(results[key]),
          higherIsBetter: true,
          bar,
          wallOurs: results.ours.wallMs,
          wallTheirs: results[key].wallMs,
        });
  return [
    row('OpenSlide', 'openslide', bars.openslide, openslide.reason),
    row('sharp (libvips)', 'sharp', bars.sharp, 'npm ci in bench/'),
  ];
}

async function openingRow({ histojet, path, rounds, openslide }) {
  const contenders = {
    ours: () =>
      timed(async () => {
        for (let i = 0; i < opensPerRound; i++) await (await histojet.Slide.open(path)).close();
      }),
  };
  if (openslide.peer) {
    contenders.openslide = async () => {
      const sum = { cpuMs: 0, wallMs: 0 };
      for (let i = 0; i < opensPerRound; i++) {
        const { cpuMs, wallMs } = await openslide.peer.ask(`open ${path}`);
        sum.cpuMs += cpuMs;
        sum.wallMs += wallMs;
      }
      return sum;
    };
  }
  const results = await interleave(contenders, rounds);
  return makeRow({
    workload: `opening a slide of ${hugeSidePx} x ${hugeSidePx} px`,
    rival: 'OpenSlide',
    unit: 'CPU ms',
    ours: results.ours.cpuMs / opensPerRound,
    theirs: results.openslide === undefined ? null : results.openslide.cpuMs / opensPerRound,
    bar: 5,
    barOn: 'ours',
    note: openslide.peer ? '' : `missing: ${openslide.reason}`,
    wallOurs: results.ours.wallMs / opensPerRound,
    wallTheirs: results.openslide === undefined ? null : results.openslide.wallMs / opensPerRound,
  });
}

/** All rows of this group. */
export async function run({ histojet, rounds }) {
  const slides = await makeSlides(histojet);
  const openslide = await startOpenSlide();
  const sharp = await openSharp();
  const windows = { histojet, path: slides.jpeg, rounds, openslide, sharp };
  const rows = [
    ...jpegRows(slides.jpeg, rounds),
    ...(await windowRows(windows, {
      side: blockPx,
      count: blockCount,
      align: blockPx,
      name: `aligned blocks of ${blockPx} px`,
      bars: { openslide: 5, sharp: null },
    })),
    ...(await windowRows(windows, {
      side: windowPx,
      count: windowCount,
      align: 1,
      name: `random windows of ${windowPx} px`,
      bars: { openslide: null, sharp: 1.3 },
    })),
    await openingRow({ histojet, path: slides.huge, rounds, openslide }),
  ];
  openslide.peer?.close();
  return rows;
}
