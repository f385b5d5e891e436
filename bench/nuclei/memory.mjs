// Memory: whole slides with one worker and under a ceiling, and very many nuclei. Each in a process of its own, because
// a peak never goes down again.
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { makeRow } from '../harness.mjs';
import { buildOwn, outFolder, PeerProcess, runJsonLines } from '../programs.mjs';
import { askSegment, cachedSlide, segmentPeer } from './whole-slide.mjs';

const oneWorkerBarMb = 600;
const growthBar = 1.1;
const writeBarMb = 200;
const ceilingsMb = [500, 700, 1000];
/** The same on both slides, so that the tissue is about the same too: 24 windows at most. */
const region = { x: 2048, y: 3072, width: 6144, height: 4096 };
const sides = { small: 10_000, large: 100_000 };
const runsInOne = 3;
/** Two million nuclei. */
const lattice = { columns: 2000, rows: 1000 };

/** Runs in a fresh process, and what the last one answers. */
async function runFresh(threads, request, runs = 1) {
  const peer = new PeerProcess(process.execPath, [segmentPeer], { HISTOJET_THREADS: String(threads) });
  try {
    for (let i = 1; i < runs; i++) await askSegment(peer, request);
    return await askSegment(peer, request);
  } finally {
    peer.close();
  }
}

const absolute = (row) => makeRow({ rival: 'none (absolute)', unit: 'MB', barOn: 'ours', kind: 'memory', ...row });

/** One worker at default settings on a small and on a large slide. */
async function slideRows(slides) {
  const runs = {};
  for (const [size, slide] of Object.entries(slides)) runs[size] = await runFresh(1, { slide, region });
  const note = ({ windows, nuclei, precision }) => `${windows} windows, ${nuclei} nuclei, precision ${precision}`;
  const rows = Object.entries(runs).map(([size, run]) =>
    absolute({
      workload: `peak resident memory, one worker, slide of ${sides[size]} x ${sides[size]} px`,
      ours: run.peakMb,
      bar: oneWorkerBarMb,
      note: `Node included; ${note(run)}`,
    }),
  );
  const growth = absolute({
    workload: `peak resident memory, slide of ${sides.large} px beside one of ${sides.small} px, same region`,
    unit: 'x',
    ours: runs.large.peakMb / runs.small.peakMb,
    bar: growthBar,
  });
  const many = await runFresh(1, { slide: slides.small, region }, runsInOne);
  const repeated = absolute({
    workload: `peak resident memory, ${runsInOne} runs in one process beside one`,
    unit: 'x',
    ours: many.peakMb / runs.small.peakMb,
    note: `${many.peakMb.toFixed(0)} MB after the last`,
  });
  return [...rows, growth, repeated];
}

/** All cores under a ceiling. */
async function ceilingRows(slide) {
  const threads = availableParallelism();
  const rows = [];
  for (const megabytes of ceilingsMb) {
    const shared = {
      workload: `peak resident memory, maxMemoryBytes of ${megabytes} MB, ${threads} threads`,
      bar: megabytes,
    };
    try {
      const { peakMb, windows, wallMs } = await runFresh(threads, { slide, region, maxMemoryBytes: megabytes * 1e6 });
      const note = `Node included; ${windows} windows in ${(wallMs / 1000).toFixed(1)} s`;
      rows.push(absolute({ ...shared, ours: peakMb, note }));
    } catch (error) {
      if (error.code !== 'HISTOJET_OUT_OF_MEMORY') throw error;
      rows.push(absolute({ ...shared, ours: null, note: `no figure, refused: ${error.message}` }));
    }
  }
  return rows;
}

/** Very many nuclei through the stitcher into all native writers at once, and one of the files read again. */
function manyRows({ columns, rows }) {
  const folder = join(outFolder, 'many-nuclei');
  mkdirSync(folder, { recursive: true });
  const program = buildOwn('nuclei_memory_bench');
  const count = columns * rows;
  const millions = `${count / 1e6} million nuclei`;
  const seconds = ({ wallSeconds, cpuSeconds }) => `${wallSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU`;
  try {
    const [written] = runJsonLines(program, ['write', String(columns), String(rows), folder]);
    for (const [format, found] of Object.entries({ stitcher: written.accepted, ...written.counts })) {
      if (found !== count) throw new Error(`${format}: ${found} nuclei, expected ${count}`);
    }
    const [read] = runJsonLines(program, ['read', join(folder, 'nuclei-geojson.gz')]);
    if (read.count !== count) throw new Error(`reading GeoJSON.gz: ${read.count} nuclei, expected ${count}`);
    const formats = Object.keys(written.counts);
    return [
      absolute({
        workload: `${millions} written in ${formats.length} formats at once, growth of the resident memory`,
        ours: written.growthMb,
        bar: writeBarMb,
        note: `counts exact: ${formats.join(', ')}; ${seconds(written)}`,
      }),
      absolute({
        workload: `${millions} read from GeoJSON.gz, growth of the resident memory`,
        ours: read.growthMb,
        bar: writeBarMb,
        note: `count exact; ${seconds(read)}`,
      }),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All rows of memory. They do not vary: no rounds. */
export async function memoryRows({ histojet }) {
  const slides = {
    small: await cachedSlide(histojet, `slide-${sides.small}-35`, {
      width: sides.small,
      height: sides.small,
      seed: 13,
      tissue: 0.35,
    }),
    large: await cachedSlide(histojet, `slide-${sides.large}-35`, {
      width: sides.large,
      height: sides.large,
      seed: 13,
      tissue: 0.35,
      repeat: true,
    }),
  };
  return [...(await slideRows(slides)), ...(await ceilingRows(slides.small)), ...manyRows(lattice)];
}
