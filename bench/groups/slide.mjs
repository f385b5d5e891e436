// Reading slides on one core: ours beside libjpeg-turbo and OpenJPEG alone, OpenSlide, libvips (its C API, and through
// sharp) and geotiff.js.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { interleave, makeRow, median, missingRow, timed } from '../harness.mjs';
import { openGeotiff } from '../peers/geotiff.mjs';
import { openSharp } from '../peers/sharp.mjs';
import { buildOwn, buildPeer, outFolder, PeerProcess, runJsonLines } from '../programs.mjs';
import { randomWindows } from '../windows.mjs';

const slideSidePx = 8192;
const hugeSidePx = 100_000;
const blockPx = 1024;
const blockCount = 24;
const windows = [
  { side: 512, count: 64 },
  { side: 1024, count: 16 },
];
// Two megapixels take geotiff.js about a second.
const slowWindows = 8;
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

/** A rival in a process of its own, or the reason why there is none. */
function start(program) {
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

/** One core beside two: wall time of one pass over level 0, processes in turn. */
function threadRow(path, rounds) {
  const program = buildOwn('slide_bench');
  const rates = { 1: [], 2: [] };
  for (let round = 0; round < rounds; round++) {
    for (const threads of [1, 2]) {
      const [{ rate }] = runJsonLines(program, ['--wall', path], { HISTOJET_THREADS: String(threads) });
      rates[threads].push(rate);
    }
  }
  return makeRow({
    workload: 'level 0 in blocks of 2048 px, two threads',
    rival: 'one thread',
    unit: 'Mpx/wall s',
    ours: median(rates[2]),
    theirs: median(rates[1]),
    higherIsBetter: true,
    bar: 1.8,
    note: 'wall time: only a quiet machine shows it',
  });
}

function jpeg2000Row(source, rounds) {
  const [line] = runJsonLines(buildOwn('jpeg_2000_bench'), [source, join(outFolder, 'jpeg-2000.tif'), String(rounds)]);
  return makeRow({
    workload: line.workload,
    rival: 'OpenJPEG alone, same tiles',
    unit: 'Mpx/CPU s',
    ours: line.ours,
    theirs: line.theirs,
    higherIsBetter: true,
    bar: 0.95,
    limitShare: line.ours / line.theirs,
    note: 'C++ API beside the bare decoder, whose planes are not even interleaved',
  });
}

/** Windows through the public API beside the rivals that read windows. */
async function windowRows(
  { histojet, path, rounds, own, openslide, vips, sharp, geotiff },
  { side, count, align, name, bars },
) {
  const slide = await histojet.Slide.open(path);
  const played = new Map();
  const nextSeed = (who) => {
    const round = played.get(who) ?? 0;
    played.set(who, round + 1);
    return seedOf(round);
  };
  const inProcess = (who, share, read) => async () => {
    const some = randomWindows(nextSeed(who), slide, Math.ceil(count / share), side, align);
    const { cpuMs, wallMs } = await timed(async () => {
      for (const window of some) await read(window);
    });
    return { cpuMs: (cpuMs * count) / some.length, wallMs: (wallMs * count) / some.length };
  };
  const contenders = { ours: inProcess('ours', 1, (window) => slide.readRegion(window)) };
  for (const [name, rival] of Object.entries({ own, openslide, vips })) {
    if (!rival.peer) continue;
    const used = await rival.peer.ask(`use ${path}`);
    if (used.error !== null) throw new Error(used.error);
    contenders[name] = () => rival.peer.ask(`read ${nextSeed(name)} ${count} ${side} ${align}`);
  }
  if (sharp) contenders.sharp = inProcess('sharp', 1, (window) => sharp.readRegion(path, window));
  if (geotiff) contenders.geotiff = inProcess('geotiff', count / Math.min(count, slowWindows), geotiff.readRegion);
  const results = await interleave(contenders, rounds);
  await slide.close();
  const megapixels = (count * side * side) / 1e6;
  const rate = (result) => (1000 * megapixels) / result.cpuMs;
  const row = (rival, key, bar, reason, ours = 'ours') =>
    results[key] === undefined
      ? missingRow({ workload: name, rival, unit: 'Mpx/CPU s', bar, reason })
      : makeRow({
          workload: name,
          rival,
          unit: 'Mpx/CPU s',
          ours: rate(results[ours]),
          theirs: rate(results[key]),
          higherIsBetter: true,
          bar,
          wallOurs: results[ours].wallMs,
          wallTheirs: results[key].wallMs,
        });
  return [
    row('OpenSlide', 'openslide', bars.openslide, openslide.reason),
    row('libvips, C API, beside our C++ API', 'vips', bars.vips, vips.reason, 'own'),
    row('sharp (libvips)', 'sharp', bars.vips, 'npm ci in bench/'),
    row('geotiff.js', 'geotiff', null, 'npm ci in bench/'),
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
  const own = start(buildOwn('windows_bench'));
  const openslide = start(buildPeer('openslide_peer', ['openslide']));
  const vips = start(buildPeer('vips_peer', [], { pkgConfig: 'vips' }));
  const sharp = await openSharp();
  const geotiff = await openGeotiff(slides.jpeg);
  const context = { histojet, path: slides.jpeg, rounds, own, openslide, vips, sharp, geotiff };
  const rows = [
    ...jpegRows(slides.jpeg, rounds),
    jpeg2000Row(slides.jpeg, rounds),
    ...(await windowRows(context, {
      side: blockPx,
      count: blockCount,
      align: blockPx,
      name: `aligned blocks of ${blockPx} px`,
      bars: { openslide: null, vips: null },
    })),
  ];
  for (const { side, count } of windows) {
    const name = `random windows of ${side} px`;
    rows.push(...(await windowRows(context, { side, count, align: 1, name, bars: { openslide: null, vips: 1.3 } })));
  }
  rows.push(threadRow(slides.jpeg, rounds), await openingRow({ histojet, path: slides.huge, rounds, openslide }));
  own.peer.close();
  openslide.peer?.close();
  vips.peer?.close();
  return rows;
}
