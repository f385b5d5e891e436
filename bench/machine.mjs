// What the figures were measured on.
import { readFileSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import { buildPeer, PeerProcess } from './programs.mjs';

function cpuFlags() {
  const line = /^flags\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
  return new Set(line === null ? [] : line[1].split(' '));
}

/** Does this CPU have the tile multiplier that the bars of `high` and `fast` are about? */
export const hasAmx = () => cpuFlags().has('amx_bf16');

/** The measured float32 multiply-add peak of one core; `measure()` again between rounds, or null without a compiler. */
export class FmaPeak {
  #peer;

  constructor() {
    const program = buildPeer('fma_peak');
    this.#peer = typeof program === 'string' ? new PeerProcess(program, []) : null;
  }

  /** GFLOP/s of one core. */
  async measure() {
    return this.#peer === null ? null : (await this.#peer.ask('peak')).gflops;
  }

  close() {
    this.#peer?.close();
  }
}

/** CPU, memory, versions, and the multiply-add peak. */
export async function describeMachine() {
  const peak = new FmaPeak();
  const samples = [];
  for (let i = 0; i < 5; i++) samples.push(await peak.measure());
  peak.close();
  const flags = cpuFlags();
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    arch: arch(),
    kernel: release(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    features: ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16'].filter((name) => flags.has(name)),
    fmaPeakGflops: samples.includes(null) ? null : Math.max(...samples),
  };
}
