// The engine: whole networks beside ONNX Runtime, oneDNN and PyTorch, two threads beside one, memory, single layers.
// float32 is computed with the same AVX-512 kernels on machines with and without tiles.
import { Calibration } from '../calibration.mjs';
import { measureLayers } from '../engine/layers.mjs';
import { measureNetwork, networks } from '../engine/networks.mjs';
import { measureThreads, memoryRows } from '../engine/threads.mjs';
import { findOnednn } from '../peers/onednn.mjs';
import { loadOnnxRuntime } from '../peers/onnxruntime.mjs';
import { torchVersion } from '../peers/torch.mjs';
import { buildOwn, PeerProcess } from '../programs.mjs';

async function measureNetworks({ histojet, ...context }) {
  const rivals = { runtime: await loadOnnxRuntime(), torch: torchVersion(), onednn: await findOnednn() };
  const finishers = [];
  for (const network of networks(histojet)) {
    console.error(`  ${network.name}`);
    finishers.push(await measureNetwork(network, { ...rivals, ...context }));
  }
  return () => finishers.flatMap((finish) => finish());
}

async function measureMemory({ program }) {
  const rows = await memoryRows(program);
  return () => rows;
}

/** By the `kind` of the rows: each measures and resolves to a function that makes the rows. */
const parts = {
  network: measureNetworks,
  threads: ({ program, ...context }) => measureThreads(program, context),
  memory: measureMemory,
  layer: async ({ program, ...context }) => measureLayers(program, { runtime: await loadOnnxRuntime(), ...context }),
};

/** The parts that `--part` takes. */
export const partNames = Object.keys(parts);

/** All rows of this group, or those of one part. */
export async function run({ histojet, rounds, part }) {
  const calibration = new Calibration();
  const program = new PeerProcess(buildOwn('engine_bench'), [], { HISTOJET_THREADS: '2' });
  try {
    const finishers = [];
    for (const [name, measure] of Object.entries(parts)) {
      if (part !== undefined && name !== part) continue;
      console.error(`  ${name}`);
      finishers.push(await measure({ histojet, rounds, calibration, program }));
    }
    // Which rounds count depends on the best calibration of the whole run.
    return finishers.flatMap((finish) => finish());
  } finally {
    program.close();
    calibration.close();
  }
}
