// The engine: whole networks beside ONNX Runtime and PyTorch, two threads beside one, memory, single layers. float32 is
// computed with the same AVX-512 kernels on machines with and without tiles.
import { Calibration } from '../calibration.mjs';
import { measureLayers } from '../engine/layers.mjs';
import { measureNetwork, networks } from '../engine/networks.mjs';
import { measureThreads, memoryRows } from '../engine/threads.mjs';
import { loadOnnxRuntime } from '../peers/onnxruntime.mjs';
import { torchVersion } from '../peers/torch.mjs';
import { buildOwn, PeerProcess } from '../programs.mjs';

async function measureAll({ histojet, rounds, calibration, program }) {
  const context = { runtime: await loadOnnxRuntime(), torch: torchVersion(), rounds, calibration, program };
  const finishers = [];
  for (const network of networks(histojet)) {
    console.error(`  ${network.name}`);
    finishers.push(await measureNetwork(network, context));
  }
  console.error('  threads and memory');
  const memory = await memoryRows(program);
  finishers.push(await measureThreads(program, context));
  console.error('  layers');
  finishers.push(await measureLayers(program, context));
  // Which rounds count depends on the best calibration of the whole run.
  return [...finishers.flatMap((finish) => finish()), ...memory];
}

/** All rows of this group. */
export async function run({ histojet, rounds }) {
  const calibration = new Calibration();
  const program = new PeerProcess(buildOwn('engine_bench'), [], { HISTOJET_THREADS: '2' });
  try {
    return await measureAll({ histojet, rounds, calibration, program });
  } finally {
    program.close();
    calibration.close();
  }
}
