// One Mamba block on one core, and what a second core brings.
import { Calibration, interleaveCalibrated, summary } from '../calibration.mjs';
import { discardNote, precisions, unitOf } from '../engine/rounds.mjs';
import { makeRow, missingRow } from '../harness.mjs';
import { buildOwn, PeerProcess } from '../programs.mjs';
import { startTorchPeer } from './peers.mjs';

const size = { dim: 192, tokens: 4096 };
/** Milliseconds of one core, by the unit that computes. */
const most = { fma: 45, pairs: 45, tiles: 25 };
const runs = 5;

const titleOf = (precision) => `Mamba block, dim ${size.dim}, ${size.tokens} tokens, ${precision}`;

/** All rows of blocks. */
export async function blockRows({ rounds }) {
  const own = new PeerProcess(buildOwn('mamba_block_bench'), [], { HISTOJET_THREADS: '1' });
  const torch = startTorchPeer('mamba_peer.py');
  const calibration = new Calibration();
  try {
    const ask = (precision) => () => own.ask(`block ${size.dim} ${size.tokens} ${precision} 1 ${runs} none`);
    const contenders = Object.fromEntries(
      precisions.map((precision) => [precision, { unit: unitOf(precision), work: ask(precision) }]),
    );
    if (torch.process) {
      contenders.torch = { unit: 'fma', work: () => torch.process.ask(`block ${size.dim} ${size.tokens}`) };
    }
    const samples = await interleaveCalibrated(contenders, rounds, calibration);
    const theirs = samples.torch && summary(samples.torch, calibration).cpuMs;
    const rows = precisions.flatMap((precision) => {
      const result = summary(samples[precision], calibration);
      const bar = most[unitOf(precision)];
      const shared = {
        workload: titleOf(precision),
        unit: 'CPU ms',
        ours: result.cpuMs,
        kind: 'block',
        precision,
        note: discardNote(result),
      };
      const absolute = makeRow({ ...shared, rival: 'none (absolute)', bar, barOn: 'ours' });
      if (theirs === undefined) return [absolute];
      return [absolute, makeRow({ ...shared, rival: torch.name, theirs })];
    });
    if (!torch.missing) return rows;
    return [...rows, missingRow({ workload: 'Mamba block', rival: 'torch', unit: 'CPU ms', reason: torch.missing })];
  } finally {
    own.close();
    torch.process?.close();
    calibration.close();
  }
}
