// Nanoseconds per element (batch x channels x states x length) of one core.
import { Calibration } from '../calibration.mjs';
import { interleave, makeRow, median, missingRow, timed } from '../harness.mjs';
import { isIntel } from '../machine.mjs';
import { preparePlainScan } from '../peers/plain-scan.mjs';
import { buildOwn, PeerProcess } from '../programs.mjs';
import { startTorchPeer } from './peers.mjs';

const unit = 'CPU ns/element';
const mostNs = 0.25;
/**
 * What the ports of Intel's cores allow: 13 vector instructions for 16 elements of the recurrence and, with 16 states, 3 of what surrounds
 * it; two in a clock, as in the peak of multiply-adds, which is 64 operations in a clock.
 */
const limitNs = (fmaGflops) => ((13 + 3) / 16 / 2) * (64 / fmaGflops);
/** What the reference in PyTorch has to be beaten by. */
const torchBar = 100;
/** The largest arrays that the rivals are given: torch keeps the products of all steps, plain JavaScript takes minutes. */
const mostElementsOfRivals = 2 ** 27;

const cases = [
  { channels: 64, states: 16, length: 4096 },
  { channels: 384, states: 16, length: 4096 },
  { channels: 384, states: 16, length: 65_536 },
  { channels: 64, states: 16, length: 2 ** 20 },
  { channels: 16, states: 16, length: 2 ** 24 },
  { channels: 384, states: 1, length: 16_384 },
  { channels: 32, states: 4, length: 65_536 },
  { channels: 32, states: 8, length: 65_536 },
];

const layouts = { bld: 'channels last', bdl: 'time last' };

function titleOf({ channels, states, length }, layout) {
  return `selective scan, ${channels} channels, ${states} states, ${length} steps, ${layouts[layout]}`;
}

/** Repeats that take about a quarter of a second. */
function repeatsOf({ channels, states, length }) {
  return Math.max(1, Math.min(50, Math.round(1e9 / (channels * states * length))));
}

function contendersOf(size, layout, { own, torch, calibration }, peaks) {
  const { channels, states, length } = size;
  const elements = channels * states * length;
  const answer = ({ cpuNs, wallNs }) => ({ cpuMs: cpuNs, wallMs: wallNs });
  const contenders = {
    ours: async () => {
      peaks.push((await calibration.measure()).fma);
      return answer(await own.ask(`scan ${layout} 1 ${channels} ${states} ${length} ${repeatsOf(size)}`));
    },
  };
  if (layout !== 'bdl' || elements > mostElementsOfRivals || states !== 16) return contenders;
  if (torch.process) {
    contenders.torch = async () => answer(await torch.process.ask(`scan ${channels} ${states} ${length}`));
  }
  const plain = preparePlainScan(size);
  contenders.plain = async () => {
    const { cpuMs, wallMs } = await timed(async () => plain());
    return { cpuMs: (1e6 * cpuMs) / elements, wallMs: (1e6 * wallMs) / elements };
  };
  return contenders;
}

async function rowsOfCase(size, layout, peers, rounds) {
  const peaks = [];
  const result = await interleave(contendersOf(size, layout, peers, peaks), rounds);
  const ours = result.ours.cpuMs;
  const limitShare = size.states === 16 && isIntel() ? limitNs(median(peaks)) / ours : null;
  const shared = { workload: titleOf(size, layout), unit, ours, limitShare, kind: 'scan', layout, ...size };
  const judged = size.states === 16 && size.channels >= 64 && size.length <= 2 ** 20;
  const rows = [makeRow({ ...shared, rival: 'none (absolute)', bar: judged ? mostNs : null, barOn: 'ours' })];
  if (result.torch)
    rows.push(makeRow({ ...shared, rival: peers.torch.name, theirs: result.torch.cpuMs, bar: torchBar }));
  if (result.plain) rows.push(makeRow({ ...shared, rival: 'plain JavaScript', theirs: result.plain.cpuMs }));
  return rows;
}

/** All rows of scans. */
export async function scanRows({ rounds }) {
  const own = new PeerProcess(buildOwn('scan_bench'), [], { HISTOJET_THREADS: '1' });
  const torch = startTorchPeer('mamba_peer.py');
  const calibration = new Calibration();
  const rows = [];
  try {
    for (const size of cases) {
      for (const layout of Object.keys(layouts)) {
        rows.push(...(await rowsOfCase(size, layout, { own, torch, calibration }, rounds)));
      }
    }
  } finally {
    calibration.close();
    own.close();
    torch.process?.close();
  }
  if (torch.missing) rows.push(missingRow({ workload: 'selective scan', rival: 'torch', unit, reason: torch.missing }));
  return rows;
}
