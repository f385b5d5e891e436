// Whole slides with the packaged HoverFast on all cores: a run beside its stages run apart, and the time of a large
// one.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { joinNotes, unitOf } from '../engine/rounds.mjs';
import { interleave, makeRow, median } from '../harness.mjs';
import { bfloat16Unit, hasAmx } from '../machine.mjs';
import { buildOwn, outFolder, PeerProcess } from '../programs.mjs';

export const segmentPeer = fileURLToPath(new URL('segment-peer.mjs', import.meta.url));

/** A run may take at most 1.1 times what the cores need for its stages. */
const overlapBar = 1 / 1.1;
const largestMinutes = 10;
const mostRounds = 3;
const windowPx = 1024;
const large = { width: 100_000, height: 80_000 };
const tissueShare = 0.3;
/** Five percent of the large slide, on windows' borders, about a third of it inside a piece of tissue. */
const part = { x: 2 * windowPx, y: 12 * windowPx, width: 24 * windowPx, height: 16 * windowPx };

/** A slide that is made once. */
export async function cachedSlide(histojet, name, options) {
  mkdirSync(outFolder, { recursive: true });
  const path = join(outFolder, `${name}.tif`);
  if (!existsSync(path)) await histojet.synthesizeSlide(path, options);
  return path;
}

/** A request to bench/nuclei/segment-peer.mjs; throws what went wrong there. */
export async function askSegment(peer, request) {
  const answer = await peer.ask(JSON.stringify(request));
  if (answer.error !== undefined) throw Object.assign(new Error(answer.error), { code: answer.code });
  return answer;
}

const threads = String(availableParallelism());
const cores = `${threads} thread${threads === '1' ? '' : 's'}`;
const startSegment = () =>
  new PeerProcess(process.execPath, ['--expose-gc', segmentPeer], { HISTOJET_THREADS: threads });

/**
 * Work between two calibrations. Runs take minutes, so a tile unit that others share changes its speed within one: no
 * round is discarded, and the note says what the unit did in between.
 */
function besideCalibration(work, calibration, seen) {
  return async () => {
    seen.push(await calibration.measure());
    const times = await work();
    seen.push(await calibration.measure());
    return times;
  };
}

function tileNote(precision, seen) {
  if (unitOf(precision) !== 'tiles') return '';
  const speeds = seen.map(({ tiles }) => tiles);
  return `tile unit at ${Math.min(...speeds).toFixed(0)} to ${Math.max(...speeds).toFixed(0)} GFLOP/s around the runs`;
}

/** Medians of the stages' core seconds, and of their sum. */
function stageTimes(answers) {
  const names = ['decode', 'network', 'postprocess'];
  const of = (pick) => median(answers.map(pick)) / 1000;
  return {
    ...Object.fromEntries(names.map((name) => [name, of((answer) => answer[name].cpuMs)])),
    sum: of((answer) => names.reduce((sum, name) => sum + answer[name].cpuMs, 0)),
  };
}

/** One slide in one precision: a run through the JavaScript API, written to a file, and the stages in C++. */
async function overlapRow({ slide, precision, weights, name, rounds, calibration }) {
  const output = join(outFolder, 'whole-slide.geojson.gz');
  const peer = startSegment();
  const native = new PeerProcess(buildOwn('nuclei_stages_bench'), [], { HISTOJET_THREADS: threads });
  const apart = [];
  let last;
  try {
    const whole = async () => {
      last = await askSegment(peer, { slide, precision, output });
      return last;
    };
    const stages = async () => {
      const answer = await native.ask(`stages ${slide} ${weights} ${precision}`);
      apart.push(answer);
      const { decode, network, postprocess } = answer;
      const sum = (key) => decode[key] + network[key] + postprocess[key];
      return { cpuMs: sum('cpuMs'), wallMs: sum('wallMs') };
    };
    const seen = [];
    const contenders = { whole: besideCalibration(whole, calibration, seen), stages };
    const result = await interleave(contenders, Math.min(rounds, mostRounds));
    const ours = result.whole.wallMs / 1000;
    const theirs = result.stages.cpuMs / 1000 / Number(threads);
    const times = stageTimes(apart);
    const seconds = ['decode', 'network', 'postprocess'].map((key) => `${key} ${times[key].toFixed(2)} s`).join(', ');
    return makeRow({
      workload: `whole slide, ${name}, HoverFast ${precision}, ${cores}`,
      rival: 'core time of its stages run apart, over the threads',
      unit: 'wall s',
      ours,
      theirs,
      bar: Number(overlapBar.toFixed(3)),
      limitShare: theirs / ours,
      note: joinNotes(
        `${last.nuclei} nuclei in ${last.windows} windows; core time of the stages: ${seconds}`,
        tileNote(precision, seen),
      ),
      kind: 'slide',
      precision,
      threads: Number(threads),
      cpuOurs: result.whole.cpuMs / 1000,
      stages: times,
    });
  } finally {
    peer.close();
    native.close();
    rmSync(output, { force: true });
  }
}

/**
 * Windows of the large slide that hold tissue, one pixel each: three ellipses which cover 30 % of the slide. A window
 * counts when a corner or the centre lies inside one of them.
 */
export function tissueOfLarge() {
  const [width, height] = [Math.ceil(large.width / windowPx), Math.ceil(large.height / windowPx)];
  const reach = Math.sqrt((tissueShare * large.width * large.height) / (3 * Math.PI));
  const [rx, ry] = [0.8 * reach, reach / 0.8];
  const centres = [0.2, 0.5, 0.8].map((share) => ({ x: share * large.width, y: large.height / 2 }));
  const inside = (x, y) => centres.some((centre) => ((x - centre.x) / rx) ** 2 + ((y - centre.y) / ry) ** 2 < 1);
  const touches = (column, row) =>
    [0, 0.5, 1].some((dx) => [0, 0.5, 1].some((dy) => inside((column + dx) * windowPx, (row + dy) * windowPx)));
  const data = Array.from({ length: width * height }, (_, i) => (touches(i % width, Math.floor(i / width)) ? 1 : 0));
  return { width, height, downsample: windowPx, data };
}

/** How long the large slide would take, from the part that is measured. */
async function largeRow({ histojet, rounds, calibration }) {
  const options = { ...large, seed: 15, tissue: 1, repeat: true };
  const slide = await cachedSlide(histojet, `slide-${large.width}x${large.height}-full`, options);
  const name = `slide of ${large.width} x ${large.height} px`;
  const tissue = tissueOfLarge();
  const all = tissue.data.reduce((sum, value) => sum + value, 0);
  const output = join(outFolder, 'large-slide.geojson.gz');
  const peer = startSegment();
  const native = new PeerProcess(buildOwn('nuclei_stages_bench'), [], { HISTOJET_THREADS: threads });
  let last;
  try {
    const found = await native.ask(`windows ${slide} ${histojet.defaultWeightsPath()} fast`);
    const work = async () => {
      last = await askSegment(peer, { slide, precision: 'fast', tissue, region: part, output });
      return last;
    };
    const seen = [];
    const { run } = await interleave({ run: besideCalibration(work, calibration, seen) }, Math.min(rounds, mostRounds));
    const share = (100 * part.width * part.height) / (large.width * large.height);
    return makeRow({
      workload: `${name}, ${100 * tissueShare} % tissue, HoverFast fast, ${cores}`,
      rival: 'none (absolute)',
      unit: 'wall min',
      ours: ((run.wallMs * all) / last.windows + found.tissue.wallMs) / 60_000,
      bar: hasAmx() ? largestMinutes : null,
      barOn: 'ours',
      note: joinNotes(
        `from ${last.windows} of ${all} windows (${share.toFixed(1)} % of the slide), ${last.nuclei} nuclei there`,
        'a periodic slide with a given mask; the time to find tissue is added',
        tileNote('fast', seen),
      ),
      kind: 'slide',
      precision: 'fast',
      threads: Number(threads),
    });
  } finally {
    peer.close();
    native.close();
    rmSync(output, { force: true });
  }
}

/** All rows of whole slides; each is printed as soon as it is measured, for the whole takes long. */
export async function wholeSlideRows({
  histojet,
  rounds,
  calibration,
  sidePx = 10_000,
  precisions = bfloat16Unit() === null ? ['float32'] : ['float32', 'fast'],
}) {
  const slide = await cachedSlide(histojet, `slide-${sidePx}-35`, {
    width: sidePx,
    height: sidePx,
    seed: 13,
    tissue: 0.35,
  });
  const weights = histojet.defaultWeightsPath();
  const name = `${sidePx} x ${sidePx} px`;
  const rows = [];
  const add = (row) => {
    rows.push(row);
    console.error(`    ${row.workload}: ${row.ours.toFixed(2)} ${row.unit}; ${row.note}`);
  };
  for (const precision of precisions) {
    add(await overlapRow({ slide, precision, weights, name, rounds, calibration }));
  }
  add(await largeRow({ histojet, rounds, calibration }));
  return rows;
}
