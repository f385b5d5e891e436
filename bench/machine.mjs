// What the figures were measured on.
import { readFileSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import { Calibration } from './calibration.mjs';

function cpuField(name) {
  return new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
}

const cpuFlags = () => new Set(cpuField('flags').split(' '));

/** Are the cores Intel's, whose ports the limits of some kernels were counted for? */
export const isIntel = () => cpuField('vendor_id') === 'GenuineIntel';

/** Does this CPU have the tile multiplier that the bars of `high` and `fast` are about? */
export const hasAmx = () => cpuFlags().has('amx_bf16');

/** The unit that products of bfloat16 run on, see `Calibration`; null where they would be slower than float32. */
export function bfloat16Unit() {
  if (hasAmx()) return 'tiles';
  return cpuField('vendor_id') === 'AuthenticAMD' && cpuFlags().has('avx512_bf16') ? 'pairs' : null;
}

/** The best of a few calibrations, or null where the program cannot be built. */
async function measuredPeaks() {
  try {
    const calibration = new Calibration();
    for (let i = 0; i < 5; i++) await calibration.measure();
    calibration.close();
    return calibration.best;
  } catch {
    return null;
  }
}

/** CPU, memory, versions, and the peaks of one core in GFLOP/s (null: unknown, or no such unit). */
export async function describeMachine() {
  const peaks = await measuredPeaks();
  const flags = cpuFlags();
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    arch: arch(),
    kernel: release(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    features: ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16'].filter((name) => flags.has(name)),
    fmaPeakGflops: peaks?.fma || null,
    pairPeakGflops: peaks?.pairs || null,
    tilePeakGflops: peaks?.tiles || null,
  };
}
