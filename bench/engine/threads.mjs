// Two threads on one tile beside one, and the memory of a tile, by bench/native/engine_bench.cpp: the executor of the
// process that runs the other comparisons has one thread.
import { interleaveCalibrated, summary } from '../calibration.mjs';
import { makeRow } from '../harness.mjs';
import { hasAmx } from '../machine.mjs';
import { hovernetFastPath } from './networks.mjs';
import { discardNote, joinNotes, precisions, unitOf } from './rounds.mjs';

const scalingBar = 1.8;
const memoryBarMb = 200;

const cases = () => [
  { name: 'HoverFast, published configuration', weights: 'hoverfast', sidePx: 1024 },
  { name: 'HoverFast, packaged network', weights: 'hoverfast-unet', sidePx: 1024 },
  { name: 'HoverNet fast, 6 classes', weights: hovernetFastPath(), sidePx: 256 },
];

/** @returns a function that makes the rows; call it when the whole run is measured */
export async function measureThreads(program, { rounds, calibration }) {
  const measured = [];
  for (const { name, weights, sidePx } of cases()) {
    for (const precision of precisions) {
      const request = `network ${weights} ${sidePx} ${precision}`;
      if ((await program.ask(`${request} 1`)).missing) continue;
      const contender = (threads) => ({ unit: unitOf(precision), work: () => program.ask(`${request} ${threads}`) });
      const samples = await interleaveCalibrated({ one: contender(1), two: contender(2) }, rounds, calibration);
      measured.push({ name, sidePx, precision, samples });
    }
  }
  return () => measured.map((item) => scalingRow(item, calibration));
}

function scalingRow({ name, sidePx, precision, samples }, calibration) {
  const [one, two] = [summary(samples.one, calibration), summary(samples.two, calibration)];
  return makeRow({
    workload: `${name}, ${sidePx} x ${sidePx}, ${precision}, two threads`,
    rival: 'one thread',
    unit: 'wall ms',
    ours: two.wallMs,
    theirs: one.wallMs,
    bar: scalingBar,
    note: joinNotes('means something only on an idle machine with two cores', discardNote(two)),
    kind: 'threads',
    network: name,
    sidePx,
    precision,
  });
}

/** The memory of one HoverFast tile: the session's and the packed weights. No rounds: it does not vary. */
export async function memoryRows(program) {
  const rows = [];
  for (const precision of precisions) {
    const answer = await program.ask(`network hoverfast 1024 ${precision} 1`);
    if (answer.missing) continue;
    rows.push(
      makeRow({
        workload: `HoverFast, published configuration, 1024 x 1024, ${precision}, memory`,
        rival: '–',
        unit: 'MB',
        ours: answer.sessionMb + answer.weightsMb,
        bar: precision === 'fast' && hasAmx() ? memoryBarMb : null,
        barOn: 'ours',
        note: `session ${answer.sessionMb.toFixed(0)} MB, weights ${answer.weightsMb.toFixed(1)} MB, one thread`,
        kind: 'memory',
        precision,
      }),
    );
  }
  return rows;
}
