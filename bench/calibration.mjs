// Measuring beside the measured peak of the unit that computes. On shared machines the tile unit falls to a fraction of
// its speed for seconds at a time, while everything else goes on as before: a round is worth something only if the core
// could do its best right before and right after it.
import { setTimeout } from 'node:timers/promises';
import { median } from './harness.mjs';
import { buildOwn, PeerProcess } from './programs.mjs';

/** A round whose peak is below this share of the best one of the run is discarded. */
const leastShare = 0.85;
/**
 * A tile unit does 16 times the multiply-adds of the vector units per clock, about 13 times with the clock that it gets
 * under load. A run that never saw half of that never saw the tile unit at full speed.
 */
const leastTilesPerFma = 8;
/** Rounds that may be tried, as a multiple of those that are wanted. */
const mostTries = 3;
/** How long one comparison may wait for the tile unit to come back, for each of its rounds, and how often it looks. */
const waitPerRoundMs = 5_000;
const waitStepMs = 200;

/**
 * What one core can do at this moment, in GFLOP/s of float32 multiply-adds (`fma`), of products of bfloat16 pairs (`pairs`)
 * and of bfloat16 tiles (`tiles`); 0 for what it does not have.
 */
export class Calibration {
  #peer;
  #best = { fma: 0, pairs: 0, tiles: 0 };

  /** @throws when bench/native/peaks_bench.cpp cannot be built */
  constructor() {
    this.#peer = new PeerProcess(buildOwn('peaks_bench'), []);
  }

  async measure() {
    const { fma, pairs, tiles } = await this.#peer.ask('peaks');
    return this.note({ fma, pairs, tiles });
  }

  /** Takes note of peaks that a program measured itself. */
  note(peaks) {
    for (const unit of ['fma', 'pairs', 'tiles']) this.#best[unit] = Math.max(this.#best[unit], peaks[unit]);
    return peaks;
  }

  /** The best peaks so far. */
  get best() {
    return { ...this.#best };
  }

  /** Was the tile unit at full speed? Rounds that do not compute on it always count. */
  isGood({ unit, before, after }) {
    return unit !== 'tiles' || (this.#atFullSpeed(before) && this.#atFullSpeed(after));
  }

  #atFullSpeed({ tiles }) {
    return tiles >= leastShare * this.#best.tiles && tiles >= leastTilesPerFma * this.#best.fma;
  }

  /** Measures until the tile unit is at full speed or `patience.leftMs`, which this counts down, is used up. */
  async waitForTiles(patience) {
    while (patience.leftMs > 0 && !this.#atFullSpeed(await this.measure())) {
      await setTimeout(waitStepMs);
      patience.leftMs -= waitStepMs;
    }
  }

  close() {
    this.#peer.close();
  }
}

async function takeSample(contender, calibration, patience) {
  if (contender.unit === 'tiles') await calibration.waitForTiles(patience);
  const before = await calibration.measure();
  const own = await contender.work();
  const after = await calibration.measure();
  const peaks = own.before ? { before: calibration.note(own.before), after: calibration.note(own.after) } : {};
  return { before, after, ...peaks, unit: contender.unit, cpuMs: own.cpuMs, wallMs: own.wallMs };
}

/**
 * Runs the contenders in turn, `rounds` times after one round that only warms up; those of which rounds had to be
 * discarded run again, up to a limit.
 *
 * @param contenders - name → `{ unit, work }`: the unit that computes, 'fma', 'pairs' or 'tiles', and a function that does the
 * work once and resolves to `{ cpuMs, wallMs }`, with `before` and `after` where the program calibrates itself
 * @returns name → samples, see `summary`
 */
export async function interleaveCalibrated(contenders, rounds, calibration) {
  const samples = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  const patience = { leftMs: rounds * waitPerRoundMs };
  const good = (name) => samples[name].filter((sample) => calibration.isGood(sample)).length;
  for (let round = -1; round < rounds * mostTries; round++) {
    for (const [name, contender] of Object.entries(contenders)) {
      if (good(name) >= rounds) continue;
      const sample = await takeSample(contender, calibration, patience);
      if (round >= 0) samples[name].push(sample);
    }
  }
  return samples;
}

/**
 * Medians of the good samples, judged by the best peak of the whole run: call it when everything is measured.
 *
 * @returns `{ good, discarded, cpuMs, wallMs, peakGflops, shareOf(flops) }`; null figures when no sample was good
 */
export function summary(samples, calibration) {
  const good = samples.filter((sample) => calibration.isGood(sample));
  const middle = (pick) => (good.length === 0 ? null : median(good.map(pick)));
  const peak = ({ unit, before, after }) => (before[unit] + after[unit]) / 2;
  return {
    good: good.length,
    discarded: samples.length - good.length,
    cpuMs: middle(({ cpuMs }) => cpuMs),
    wallMs: middle(({ wallMs }) => wallMs),
    peakGflops: middle(peak),
    shareOf: (flops) => middle((sample) => flops / (sample.cpuMs * 1e6) / peak(sample)),
  };
}
