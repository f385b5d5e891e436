// Matching tokens by similarity and merging them, as after the attention of a vision transformer's block.
import { interleave, makeRow, missingRow } from '../harness.mjs';
import { buildOwn, PeerProcess } from '../programs.mjs';
import { startTorchPeer } from './peers.mjs';

const bar = 5;
const cases = [
  { batch: 1, tokens: 197, r: 16 },
  { batch: 8, tokens: 197, r: 16 },
  { batch: 1, tokens: 1024, r: 128 },
  { batch: 1, tokens: 4096, r: 512 },
];
const metricChannels = 64;
const channels = 768;

async function rowOf({ batch, tokens, r }, own, torch, rounds) {
  const request = `bipartite ${batch} ${tokens} ${metricChannels} ${channels} ${r} weighted 5`;
  const checksums = {};
  const ask = (name, process) => async () => {
    const answer = await process.ask(request);
    checksums[name] = answer.checksum;
    return answer.step;
  };
  const contenders = { ours: ask('ours', own), ...(torch.process && { theirs: ask('theirs', torch.process) }) };
  const { ours, theirs } = await interleave(contenders, rounds);
  if (theirs !== undefined && checksums.ours !== checksums.theirs) {
    throw new Error(`token merging, ${tokens} tokens: the rival merges other tokens than we do`);
  }
  return makeRow({
    workload: `ToMe, batch ${batch}, ${tokens} tokens, r ${r}, weighted`,
    rival: torch.name,
    unit: 'CPU ms',
    ours: ours.cpuMs,
    theirs: theirs?.cpuMs ?? null,
    bar,
    note: torch.missing ? `missing: ${torch.missing}` : '',
    kind: 'merging',
    tokens,
  });
}

/** How fast merging and its reverse move memory, beside memcpy. */
async function copyRows(own, rounds) {
  const tokens = 4096;
  const rows = [];
  for (const [verb, copy] of [
    ['merge', 'memcpyMerged'],
    ['unmerge', 'memcpyAll'],
  ]) {
    const ask = (name) => async () => (await own.ask(`copy ${tokens} ${channels} 20`))[name];
    const { ours, theirs } = await interleave({ ours: ask(verb), theirs: ask(copy) }, rounds);
    rows.push(
      makeRow({
        workload: `${verb} alone, ${tokens} tokens of ${channels} channels`,
        rival: 'memcpy of the result',
        unit: 'CPU ms',
        ours: ours.cpuMs,
        theirs: theirs.cpuMs,
        kind: 'merging',
        tokens,
      }),
    );
  }
  return rows;
}

/** All rows of token merging. */
export async function mergingRows({ rounds }) {
  const own = new PeerProcess(buildOwn('merging_bench'), [], { HISTOJET_THREADS: '1' });
  const torch = startTorchPeer('tome_peer.py');
  const rows = [];
  try {
    for (const item of cases) {
      rows.push(
        torch.missing
          ? missingRow({
              workload: `ToMe, ${item.tokens} tokens`,
              rival: 'torch',
              unit: 'CPU ms',
              bar,
              reason: torch.missing,
            })
          : await rowOf(item, own, torch, rounds),
      );
    }
    rows.push(...(await copyRows(own, rounds)));
  } finally {
    own.close();
    torch.process?.close();
  }
  return rows;
}
